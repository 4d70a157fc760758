"""Quick measurements on held-out clips during training."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.data import ClipSource
from vdworld.metrics import moving_psnr, psnr
from vdworld.spaces import frames_to_pixels
from vdworld.types import Pixels
from vdworld.world import WorldModel


class Validation:
    """Measure a world on a fixed set of clips.

    Args:
        clips: Source of the clips. Their horizon is the length of the animated rollouts.
        num_clips: Number of clips to measure on.
        seed: Seed of the choice of clips and of the noise.
    """

    def __init__(self, clips: ClipSource, num_clips: int = 64, seed: int = 0) -> None:
        batch = clips.sample(num_clips, torch.Generator().manual_seed(seed))
        self.frames = batch.frames.float().div(127.5).sub(1.0)
        self.actions, self.action_mask = batch.actions, batch.action_mask
        self.context_length, self.seed = clips.context_length, seed

    @torch.no_grad()
    def measure(self, world: WorldModel) -> dict[str, float]:
        """Return the PSNR in dB one step ahead, of all and of moving pixels, each beside that of the last frame."""
        imagined = self._imagine(world, 1, slice(None))[:, 0]
        last, real = (self.frames[:, self.context_length + i] for i in (-1, 0))
        return {
            "psnr": psnr(imagined, real).mean().item(),
            "psnr_copy": psnr(last, real).mean().item(),
            "moving_psnr": moving_psnr(imagined, real, last).nanmean().item(),
            "moving_psnr_copy": moving_psnr(last, real, last).nanmean().item(),
        }

    @torch.no_grad()
    def comparison(self, world: WorldModel, num_clips: int = 4) -> Pixels:
        """Return a video ``[t, h, w, 3]`` with real clips above what the world imagines; first camera only."""
        real = self.frames[:num_clips, self.context_length :]
        imagined = self._imagine(world, real.shape[1], slice(num_clips))
        rows = torch.cat([real[:, :, :3], imagined[:, :, :3]], dim=-2)  # [b, t, 3, 2h, w]
        return frames_to_pixels(torch.cat(list(rows), dim=-1))

    def _imagine(self, world: WorldModel, horizon: int, rows: slice) -> Tensor:
        k = self.context_length
        frames, action_mask, flat = (
            part[rows].to(world.device) for part in (self.frames, self.action_mask, self.actions)
        )
        actions = world.action_codec.encode_flat(flat, action_mask)
        state = world.start_encoded(frames[:, :k], actions[:, : k - 1], action_mask[:, : k - 1], seed=self.seed)
        return world.rollout(state, actions[:, k - 1 : k - 1 + horizon], encoded=True).frames.cpu()
