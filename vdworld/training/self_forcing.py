"""Self forcing: let a world continue its own dreams in training, as it will have to later."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vdworld.training.batch import Batch
from vdworld.world import WorldModel
from vdworld.world.noise import DRAWS_PER_STEP


@dataclass(frozen=True)
class SelfForcing:
    """A finishing stage against drift (Huang et al. 2025, Self Forcing).

    As there, the past that training shows is what the world itself samples, in as few steps as it will later. Unlike
    there, what it learns from it is the recorded next frame; there is no teacher that compares distributions.

    Args:
        after: Share of the run after which the stage begins; 1 is never.
        horizon: A past holds up to so many sampled frames, those of the clip's last steps.
    """

    after: float = 1.0
    horizon: int = 4

    def __post_init__(self) -> None:
        if not 0 <= self.after <= 1:
            raise ValueError(f"`self_forcing.after` must lie in [0, 1], got {self.after}.")
        if self.horizon < 1:
            raise ValueError(f"`self_forcing.horizon` must be at least 1, got {self.horizon}.")


@torch.no_grad()
def self_forced_batch(world: WorldModel, batch: Batch, num_frames: int, rng: torch.Generator) -> Batch:
    """Return clips of one target frame whose past ends with frames that the world sampled.

    Args:
        world: The world that samples; its averaged weights.
        batch: K context and more than `num_frames` target frames, real ones.
        num_frames: How many frames to sample; the target is the real frame after them.
        rng: Draws the lanes' seeds; on the CPU.
    """
    k, n, generator = world.context_length, num_frames, world.generator
    seed = torch.randint(2**62, (len(batch),), generator=rng).to(batch.frames.device)
    history = list(batch.frames[:, :k].unbind(dim=1))
    for h in range(n):
        past = torch.stack(history[h:], dim=1)
        context = generator.clean_context(past, batch.actions[:, h : h + k], batch.action_mask[:, h : h + k])
        history.append(generator.draw_frame(context, seed, torch.full_like(seed, DRAWS_PER_STEP * h)).float())
    return Batch(
        frames=torch.cat([torch.stack(history[n:], dim=1), batch.frames[:, k + n : k + n + 1]], dim=1),
        actions=batch.actions[:, n : n + k],
        action_mask=batch.action_mask[:, n : n + k],
        rewards=batch.rewards[:, n : n + 1],
        continues=batch.continues[:, n : n + 1],
        readings=batch.readings[:, n : n + 1],
    )
