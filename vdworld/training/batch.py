"""Clips as networks see them, and what training hides of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.data import Clips
from vdworld.diffusion import Process
from vdworld.networks import Context
from vdworld.types import Actions, ClipLevels, Frames, Known
from vdworld.world import WorldModel


@dataclass(frozen=True)
class Batch:
    """Clips on the world's device, in the network's numbers.

    Args:
        frames: ``[b, K + H, c, h, w]`` in [-1, 1].
        actions: Encoded ``[b, K + H - 1, a]``.
        known: ``[b, K + H - 1]``; False for null actions.
        rewards: Standardised, of the transitions into the last H frames ``[b, H]``.
        going_on: 1 where the episode went on there, 0 where it terminated ``[b, H]``.
    """

    frames: Tensor
    actions: Tensor
    known: Tensor
    rewards: Tensor
    going_on: Tensor

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: slice) -> Batch:
        return Batch(*(part[rows] for part in (self.frames, self.actions, self.known, self.rewards, self.going_on)))


def encode(world: WorldModel, clips: Clips) -> Batch:
    """Bring clips to a world's device and numbers."""
    device = world.device
    known = clips.known.to(device)
    return Batch(
        frames=clips.frames.to(device).float().div(127.5).sub(1.0),
        actions=world.action_codec.encode_flat(clips.actions.to(device), known),
        known=known,
        rewards=(clips.rewards.to(device) - world.heads.reward_offset) / world.heads.reward_scale,
        going_on=1.0 - clips.terminated.to(device).float(),
    )


SPOT = 4  # pixels from one spot to the next


@dataclass(frozen=True)
class Hiding:
    """What training hides from the network, now and then, so that it copes and can be guided.

    Args:
        context_noise: The strongest noise on context frames, as a share of the signal; in half of the clips each
            frame's is drawn between none and this, and the network is told, so that it copes with dreams that are not
            as clean as recordings. The others have none: only there can it learn to copy what stands still unchanged.
        action_dropout: Share of the clips whose actions are hidden, all of them.
        history_dropout: Share of the clips whose past is hidden: half of them wholly, half behind strong noise.
        stains: The strength of faint spots, in units of a frame's range of 2, that lie alike on all context frames of
            half of the clips. The target has none and the network is not told: so it learns to wipe away what its
            dreams leave behind, which it would otherwise copy for ever.
        ghosts: How strongly, at most, patches of another clip shine through those context frames of half of the clips,
            where 1 hides what is there. Again the target has none: below half strength the network learns to wipe out
            what has faded and to restore what is fading, as a regenerative repeater does with a signal.
    """

    context_noise: float = 0.1
    action_dropout: float = 0.0
    history_dropout: float = 0.0
    stains: float = 0.0
    ghosts: float = 0.0

    def __post_init__(self) -> None:
        for name in ("context_noise", "stains"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}.")
        for name in ("action_dropout", "history_dropout", "ghosts"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must lie in [0, 1), got {getattr(self, name)}.")

    def known(self, known: Known, rng: torch.Generator) -> Known:
        """Mark all actions of some clips as null ``[b, t]``."""
        if not self.action_dropout:
            return known
        return known & (torch.rand(len(known), 1, generator=rng) >= self.action_dropout).to(known.device)

    def ratios(self, shape: tuple[int, int], rng: torch.Generator) -> ClipLevels:
        """Draw the noise of context frames ``[b, t]``, as a share of the signal."""
        b, _ = shape
        noisy = torch.rand(b, 1, generator=rng) < 0.5
        ratios = self.context_noise * noisy * torch.rand(shape, generator=rng)
        if not self.history_dropout:
            return ratios
        hidden = torch.rand(b, 1, generator=rng) < self.history_dropout
        strength = torch.tan(torch.rand(shape, generator=rng) * math.pi / 2)  # 0 to infinity, 1 in the middle
        wholly = torch.rand(b, 1, generator=rng) < 0.5
        return torch.where(hidden, strength.masked_fill(wholly, math.inf), ratios)

    def stained(self, frames: Frames, rng: torch.Generator) -> Frames:
        """Lay stains and ghosts on clips ``[b, t, c, h, w]``, the same on all frames of one."""
        if self.stains:
            colour = torch.randn(frames.shape[0], frames.shape[2], *_grid(frames), generator=rng)
            frames = (frames + _spots(frames, self.stains * colour, rng)).clamp(-1, 1)
        if self.ghosts:
            other = frames[:, -1:].roll(1, dims=0)
            veil = _spots(frames, torch.full((len(frames), 1, *_grid(frames)), self.ghosts), rng)
            frames = torch.lerp(frames, other, veil.expand(-1, *other.shape[1:]))
        return frames

    def context(self, process: Process, past: Frames, actions: Actions, known: Known, rng: torch.Generator) -> Context:
        """Return a past as the context of the frame after it, with stains, noise and null actions mixed in."""
        past = self.stained(past, rng)
        ratios = self.ratios((past.shape[0], past.shape[1]), rng).to(past.device)
        level = process.level_of(ratios)
        noise = torch.randn(past.shape, generator=rng).to(past.device)
        return Context(process.mix(past, noise, level), actions, self.known(known, rng), level)


def _grid(frames: Frames) -> tuple[int, int]:
    """Return how many spots are side by side in the height and the width of a frame."""
    return max(frames.shape[-2] // SPOT, 1), max(frames.shape[-1] // SPOT, 1)


def _spots(frames: Frames, colour: Tensor, rng: torch.Generator) -> Tensor:
    """Return a soft pattern ``[b, 1, c, h, w]`` of `colour` in about a sixth of the places of half of the clips.

    Args:
        frames: Clips to lay the spots on.
        colour: Of every place at full strength ``[b, c, h / SPOT, w / SPOT]``.
        rng: Draws places, and a strength from 0 to 1 for each clip.
    """
    each = (len(frames), 1, 1, 1)
    where = torch.randn(len(frames), 1, *colour.shape[2:], generator=rng) > 1
    strength = torch.rand(each, generator=rng) * (torch.rand(each, generator=rng) < 0.5)
    spots = F.interpolate(strength * colour * where, size=frames.shape[-2:], mode="bilinear")
    return spots.to(frames.device)[:, None]
