"""Self forcing: training on pasts that the world sampled itself, as in a dream."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vdworld.setting_types import check_types
from vdworld.training.batch import Batch
from vdworld.world import WorldModel
from vdworld.world.noise import DRAWS_PER_STEP


@dataclass(frozen=True)
class SelfForcing:
    """Settings of a last training stage that reduces drift (Huang et al. 2025, Self Forcing).

    As in the paper, training shows a past that the world sampled itself, in as few steps as in a dream. Unlike in the
    paper, the target is the recorded next frame, not a teacher's distribution.

    Args:
        after: Share of the run after which the stage begins; 1 leaves it out.
        horizon: Maximum number of sampled frames in a past; these are its last frames.

    Raises:
        ValueError: A value is out of range.
    """

    after: float = 1.0
    horizon: int = 4

    def __post_init__(self) -> None:
        check_types(self)
        if not 0 <= self.after <= 1:
            raise ValueError(f"`self_forcing.after` must lie in [0, 1], got {self.after}.")
        if self.horizon < 1:
            raise ValueError(f"`self_forcing.horizon` must be at least 1, got {self.horizon}.")


@torch.no_grad()
def self_forced_batch(world: WorldModel, batch: Batch, num_frames: int, rng: torch.Generator) -> Batch:
    """Return clips with one target frame whose past ends with frames that the world sampled.

    Where a clip begins before its episode, the padding and the episode's first frame stay, as at the start of a dream.

    Args:
        world: The world that samples, with averaged weights.
        batch: Recorded clips of K context frames and more than `num_frames` target frames.
        num_frames: Number of frames to sample. The target is the recorded frame after them.
        rng: Draws the lanes' seeds; a generator on the CPU.
    """
    k, n, generator = world.context_length, num_frames, world.generator
    seed = torch.randint(2**62, (len(batch),), generator=rng).to(batch.frames.device)
    history = list(batch.frames[:, :k].unbind(dim=1))
    for h in range(n):
        past = torch.stack(history[h:], dim=1)
        context = generator.clean_context(past, batch.actions[:, h : h + k], batch.action_mask[:, h : h + k])
        frame = generator.draw_frame(context, seed, torch.full_like(seed, DRAWS_PER_STEP * h)).float()
        history.append(batch.keep_padding(frame, h))
    return Batch(
        frames=torch.cat([torch.stack(history[n:], dim=1), batch.frames[:, k + n : k + n + 1]], dim=1),
        actions=batch.actions[:, n : n + k],
        action_mask=batch.action_mask[:, n : n + k],
        rewards=batch.rewards[:, n : n + 1],
        continues=batch.continues[:, n : n + 1],
        readings=batch.readings[:, n : n + 1],
    )
