"""Quick measurements on held-out clips during training."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from vdworld.data import Clips
from vdworld.metrics import moving_psnr, psnr
from vdworld.spaces import frames_to_pixels
from vdworld.training.batch import encode
from vdworld.types import Pixels
from vdworld.world import WorldModel

NUM_ROLLOUTS = 4


@runtime_checkable
class HeldOutClips(Protocol):
    """A source of clips for measurements.

    Attributes:
        context_length: The number of context frames K.
    """

    context_length: int

    def spread(self, num_clips: int, rng: torch.Generator, *, whole: bool = False) -> Clips:
        """Return different clips, drawn evenly over episodes; see ``ClipSampler.spread``."""
        ...


class Validation:
    """Measure a world on a fixed set of clips, drawn evenly over episodes from all transitions.

    Args:
        clips: Source of the clips. Their horizon is the length of the animated rollouts.
        num_clips: Number of clips to measure on; fewer if there are fewer.
        seed: Seed of the choice of clips and of the noise.
    """

    def __init__(self, clips: HeldOutClips, num_clips: int = 64, seed: int = 0) -> None:
        rng = torch.Generator().manual_seed(seed)
        self.context_length, self.seed = clips.context_length, seed
        self.clips = clips.spread(num_clips, rng)
        self.frames = self.clips.frames[:, : self.context_length + 1].float().div(127.5).sub(1.0)
        self.rollouts = clips.spread(NUM_ROLLOUTS, rng, whole=True)

    @torch.no_grad()
    def measure(self, world: WorldModel) -> dict[str, float]:
        """Return the PSNR in dB one step ahead, of all and of moving pixels, each beside that of the last frame.

        Frames are drawn in one step, as the mean of what may follow, which shows progress with the least noise.
        """
        imagined = self._imagine(world, self.clips, 1, num_sampling_steps=1)[:, 0]
        last, real = self.frames[:, -2], self.frames[:, -1]
        return {
            "psnr": psnr(imagined, real).mean().item(),
            "psnr_copy": psnr(last, real).mean().item(),
            "moving_psnr": moving_psnr(imagined, real, last).nanmean().item(),
            "moving_psnr_copy": moving_psnr(last, real, last).nanmean().item(),
        }

    @torch.no_grad()
    def comparison(self, world: WorldModel) -> Pixels:
        """Return a video ``[t, h, w, 3]`` with real clips above what the world imagines; first camera only."""
        k, clips = self.context_length, self.rollouts
        imagined = self._imagine(world, clips, clips.rewards.shape[1])
        real = clips.frames[:, k:].float().div(127.5).sub(1.0)
        rows = torch.cat([real[:, :, :3], imagined[:, :, :3]], dim=-2)  # [b, t, 3, 2h, w]
        return frames_to_pixels(torch.cat(list(rows), dim=-1))

    def _imagine(self, world: WorldModel, clips: Clips, horizon: int, num_sampling_steps: int | None = None) -> Tensor:
        k, batch = self.context_length, encode(world, clips)
        before = batch.actions[:, : k - 1], batch.action_mask[:, : k - 1]
        state = world.start_encoded(batch.frames[:, :k], *before, seed=self.seed)
        actions = batch.actions[:, k - 1 : k - 1 + horizon]
        return world.rollout(state, actions, encoded=True, num_sampling_steps=num_sampling_steps).frames.cpu()
