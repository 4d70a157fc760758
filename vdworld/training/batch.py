"""Training batches, and the corruption of their contexts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.argument_hints import refuse_former
from vdworld.data import Clips
from vdworld.diffusion import Process
from vdworld.networks import Context
from vdworld.setting_types import check_types
from vdworld.types import ActionMask, Actions, ClipLevels, Frame, Frames, LaneMask, StepMask
from vdworld.world import WorldModel

SPOT = 4  # smallest distance of two spots in pixels


@dataclass(frozen=True)
class Batch:
    """Clips on the world's device, encoded for the network.

    Args:
        frames: ``[b, K + H, c, h, w]`` in [-1, 1].
        actions: Encoded ``[b, K + H - 1, a]``.
        action_mask: ``[b, K + H - 1]``; False for null actions, which mark padding.
        rewards: Standardised, of the transitions into the last H frames ``[b, H]``.
        continues: 1 where the episode continued after such a transition, 0 where it terminated ``[b, H]``.
        readings: Standardised, of the last H frames ``[b, H, d]``; NaN where nothing was recorded.
    """

    frames: Tensor
    actions: Tensor
    action_mask: Tensor
    rewards: Tensor
    continues: Tensor
    readings: Tensor

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: slice) -> Batch:
        return Batch(**{name: part[rows] for name, part in vars(self).items()})

    @property
    def target_mask(self) -> StepMask:
        """Which of the last H frames belong to the episode ``[b, H]``; the others are padding."""
        return self.action_mask[:, -self.rewards.shape[1] :]

    def keep_padding(self, frame: Frame, target: int) -> Frame:
        """Return estimates ``[b, c, h, w]`` of the target frames of this number, with padding as it is in the clips."""
        is_target = self.target_mask[:, target, None, None, None]
        return torch.where(is_target, frame, self.frames[:, target - self.rewards.shape[1]])


def encode(world: WorldModel, clips: Clips) -> Batch:
    """Move clips to a world's device and encode them for its network."""
    device, heads = world.device, world.heads
    action_mask, readings = clips.action_mask.to(device), clips.readings.to(device)
    return Batch(
        frames=clips.frames.to(device).float().div(127.5).sub(1.0),
        actions=world.action_codec.encode_flat(clips.actions.to(device), action_mask),
        action_mask=action_mask,
        rewards=(clips.rewards.to(device) - heads.reward_offset) / heads.reward_scale,
        continues=1.0 - clips.terminated.to(device).float(),
        readings=(readings - readings.new_tensor(heads.reading_offset)) / readings.new_tensor(heads.reading_scale),
    )


@refuse_former(stains="is now called `blob_noise`", ghosts="is now called `clip_mixup`")
@dataclass(frozen=True)
class ContextCorruption:
    """How training corrupts the network's context, so that it tolerates imperfect dreams and can be guided.

    Args:
        context_noise: The strongest noise on context frames, as a share of the signal. In half of the clips each frame
            gets noise between none and this, and the network receives its level, so that it tolerates dreams that are
            not as clean as recordings. The other clips have none: from them it learns to copy static pixels unchanged.
        action_dropout: Share of the clips of which all actions are null.
        history_dropout: Share of the clips whose past is hidden: half of them completely, half behind strong noise.
        blob_noise: The strength of faint spots, in units of a frame's range of 2, that are the same on all context
            frames of half of the clips. The target has none, and no input tells the network about them: it learns to
            remove the traces that its dreams leave, which it would otherwise copy forever.
        clip_mixup: The largest weight with which displaced patches of another clip are mixed into the context frames
            of half of the clips, the same on all frames; 1 hides what is there. Again the target has none: the network
            learns to remove remnants and to restore what fades, as a regenerative repeater restores a signal.
    """

    context_noise: float = 0.4
    action_dropout: float = 0.0
    history_dropout: float = 0.0
    blob_noise: float = 0.0
    clip_mixup: float = 0.0

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("context_noise", "blob_noise"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}.")
        for name in ("action_dropout", "history_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must lie in [0, 1), got {getattr(self, name)}.")
        if not 0 <= self.clip_mixup <= 1:
            raise ValueError(f"`clip_mixup` must lie in [0, 1], got {self.clip_mixup}.")

    def action_mask(self, action_mask: ActionMask, rng: torch.Generator) -> ActionMask:
        """Mark all actions of some clips as null ``[b, t]``."""
        if not self.action_dropout:
            return action_mask
        return action_mask & (torch.rand(len(action_mask), 1, generator=rng) >= self.action_dropout).to(
            action_mask.device
        )

    def ratios(self, shape: tuple[int, int], rng: torch.Generator) -> ClipLevels:
        """Draw the noise of context frames ``[b, t]``, as a share of the signal."""
        b, _ = shape
        noisy = torch.rand(b, 1, generator=rng) < 0.5
        ratios = self.context_noise * noisy * torch.rand(shape, generator=rng)
        if not self.history_dropout:
            return ratios
        hidden = torch.rand(b, 1, generator=rng) < self.history_dropout
        strength = torch.tan(torch.rand(shape, generator=rng) * math.pi / 2)  # 0 to infinity, 1 in the middle
        completely = torch.rand(b, 1, generator=rng) < 0.5
        return torch.where(hidden, strength.masked_fill(completely, math.inf), ratios)

    def corrupt(self, frames: Frames, rng: torch.Generator) -> tuple[Frames, LaneMask]:
        """Add blob noise and clip mixup to clips, the same on all frames; return clips and which have any ``[b]``."""
        corrupted = torch.zeros(len(frames), dtype=torch.bool)
        if self.blob_noise:
            strength = _spot_strengths(frames, rng)
            colour = torch.randn(len(frames), frames.shape[2], *strength.shape[2:], generator=rng)
            frames = (frames + _enlarge(self.blob_noise * colour * strength, frames)).clamp(-1, 1)
            corrupted = corrupted | strength.flatten(1).any(dim=1)
        if self.clip_mixup:
            shift = [int(torch.randint(size, (), generator=rng)) for size in frames.shape[-2:]]
            strength, other = _spot_strengths(frames, rng), frames[:, -1:].roll((1, *shift), dims=(0, -2, -1))
            weight = _enlarge(self.clip_mixup * strength, frames).expand(-1, *other.shape[1:])
            frames = torch.lerp(frames, other, weight)
            corrupted = corrupted | strength.flatten(1).any(dim=1)
        return frames, corrupted.to(frames.device)

    def context(
        self, process: Process, past: Frames, actions: Actions, action_mask: ActionMask, rng: torch.Generator
    ) -> tuple[Context, LaneMask]:
        """Return a corrupted past as the context of the frame after it, and which clips have an exact past ``[b]``."""
        frames, corrupted = self.corrupt(past, rng)
        ratios = self.ratios((past.shape[0], past.shape[1]), rng).to(past.device)
        level = process.level_of(ratios)
        noise = torch.randn(past.shape, generator=rng).to(past.device)
        context = Context(process.mix(frames, noise, level), actions, self.action_mask(action_mask, rng), level)
        return context, (ratios == 0).all(dim=1) & ~corrupted


def _spot_strengths(frames: Frames, rng: torch.Generator) -> Tensor:
    """Return the strength of spots on clips: up to 1 at about a sixth of the places of half of the clips, else 0.

    Places are 1, 2 or 4 times ``SPOT`` pixels apart: ``[b, 1, h / apart, w / apart]``.
    """
    b, _, _, h, w = frames.shape
    apart = SPOT * 2 ** int(torch.randint(3, (), generator=rng))
    has_spot = torch.randn(b, 1, max(h // apart, 1), max(w // apart, 1), generator=rng) > 1
    strength = torch.rand(b, 1, 1, 1, generator=rng) * (torch.rand(b, 1, 1, 1, generator=rng) < 0.5)
    return strength * has_spot


def _enlarge(spots: Tensor, frames: Frames) -> Tensor:
    """Return spots enlarged to soft patterns over whole frames ``[b, 1, c, h, w]``."""
    return F.interpolate(spots, size=frames.shape[-2:], mode="bilinear").to(frames.device)[:, None]
