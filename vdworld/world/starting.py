"""The ways a dream begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vdworld.types import Frames, LaneIntegers, PastActionMask, PastActions
from vdworld.world.history import first_frames, fit_history
from vdworld.world.noise import lane_seeds
from vdworld.world.sampling import DRAWS_PER_STEP
from vdworld.world.start_clips import StartClips
from vdworld.world.state import WorldState

if TYPE_CHECKING:
    from vdworld.world.model import WorldModel

Seed = int | Sequence[int] | Tensor


def from_frames(world: WorldModel, frames: Tensor, actions: Any, lengths: Tensor | None, seed: Seed) -> WorldState:
    """Begin from real frames and actions in the environment's units: ``WorldModel.start``."""
    if frames.ndim != 5 or tuple(frames.shape[2:]) != world.frame_shape:
        raise ValueError(f"`frames` must be [b, k, {', '.join(map(str, world.frame_shape))}], got {frames.shape}.")
    if not frames.is_floating_point():
        raise ValueError(
            f"`frames` must be floats in [-1, 1], got {frames.dtype}. Pixels [b, k, h, w, c] go through "
            "`vdworld.spaces.frames_to_float` first."
        )
    b, k = frames.shape[:2]
    frames = frames.to(world.device, torch.float32)
    first = first_frames(lengths, b, k, world.device)
    encoded = torch.zeros(b, k - 1, world.action_codec.dim, device=world.device)
    action_mask = torch.zeros(b, k - 1, dtype=torch.bool, device=world.device)
    if actions is not None and k > 1:
        action_mask = torch.arange(k - 1, device=world.device) >= first[:, None]
        encoded = world.encode_actions(actions, (b, k - 1), action_mask)
    return _begin(world, frames, encoded, action_mask, lane_seeds(seed, b, world.device), first)


def from_encoded(
    world: WorldModel, frames: Frames, actions: PastActions, action_mask: PastActionMask, seed: Seed
) -> WorldState:
    """Begin from clips with encoded actions, whose padding is marked in `action_mask`."""
    b, k = frames.shape[:2]
    first = first_frames(None, b, k, world.device)
    return _begin(world, frames, actions, action_mask, lane_seeds(seed, b, world.device), first)


def from_clips(world: WorldModel, starts: StartClips, chosen: Tensor, seed: Seed) -> WorldState:
    """Begin from start clips picked by index ``[b]``."""
    starts, rows = starts.to(world.device), chosen.to(world.device)
    frames, action_mask = starts.frames[rows].float().div(127.5).sub(1.0), starts.action_mask[rows]
    encoded = world.action_codec.encode_flat(starts.actions[rows], action_mask)
    return from_encoded(world, frames, encoded, action_mask, seed)


def own_clips(world: WorldModel) -> StartClips:
    """Return the world's start clips, which move to its device when they are first asked for there.

    Raises:
        ValueError: It carries none.
    """
    if world.starts is None:
        raise ValueError("This world carries no start clips; begin with `world.start(frames, actions)`.")
    world.starts = world.starts.to(world.device)
    return world.starts


def _begin(
    world: WorldModel,
    frames: Frames,
    actions: PastActions,
    action_mask: PastActionMask,
    seed: LaneIntegers,
    first: LaneIntegers,
) -> WorldState:
    frames, actions, action_mask = fit_history(frames, actions, action_mask, first, world.context_length + 1)
    counter, context = torch.zeros_like(seed), world.clean_context(frames[:, :-1], actions, action_mask)
    with world.execution.arithmetic(world.device):
        features, cache = world.commit(frames[:, -1], context, seed, counter - DRAWS_PER_STEP)
    return WorldState(frames[:, 1:], actions[:, 1:], action_mask[:, 1:], seed, counter, features, cache)
