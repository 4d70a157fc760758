"""First states of dreams: from real frames, or from the start clips of a world."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vdworld.spaces import ActionCodec
from vdworld.types import LaneIntegers
from vdworld.world.generator import FrameGenerator
from vdworld.world.history import History, first_real_frames
from vdworld.world.noise import DRAWS_PER_STEP
from vdworld.world.start_clips import StartClips
from vdworld.world.state import WorldState

_LARGEST = 10.0  # frames are in [-1, 1], or a little outside; larger numbers are unscaled pixels


def first_state(generator: FrameGenerator, history: History, seed: LaneIntegers, context_length: int) -> WorldState:
    """Return the state of dreams that continue these histories.

    Args:
        generator: Reads the features of the newest frames.
        history: One past per lane, of any length.
        seed: The lanes' random streams ``[b]``.
        context_length: K, how many past frames the network sees.
    """
    past = history.newest(context_length + 1)
    frames, actions, action_mask = past.frames, past.actions, past.action_mask
    counter, context = torch.zeros_like(seed), generator.clean_context(frames[:, :-1], actions, action_mask)
    with generator.execution.arithmetic(frames.device):
        features, cache = generator.commit(frames[:, -1], context, seed, counter - DRAWS_PER_STEP)
    return WorldState(frames[:, 1:], actions[:, 1:], action_mask[:, 1:], seed, counter, features, cache)


def history_from_frames(
    frames: Tensor,
    actions: Any,
    lengths: Tensor | None,
    *,
    codec: ActionCodec,
    frame_shape: tuple[int, int, int],
    device: torch.device,
) -> History:
    """Return the history that real frames and actions in the environment's units make.

    Args:
        frames: ``[b, k, c, h, w]`` in [-1, 1], newest last.
        actions: The k - 1 actions between them ``[b, k - 1, ...]``; None marks them unknown.
        lengths: How many of the k frames are real ``[b]``, counted from the newest; None means all.
        codec: Encodes the actions.
        frame_shape: Channels, height and width of the world's frames.
        device: The world's device.

    Raises:
        ValueError: Shapes or dtypes that don't fit the world.
    """
    if frames.ndim != 5 or tuple(frames.shape[2:]) != frame_shape:
        shape = ", ".join(map(str, frame_shape))
        is_last = frames.ndim > 3 and frames.shape[-1] == frame_shape[0]
        hint = " Convert channels-last pixels with `vdworld.spaces.frames_to_float`." if is_last else ""
        raise ValueError(f"`frames` must be [b, k, {shape}], got {list(frames.shape)}.{hint}")
    if not frames.is_floating_point():
        raise ValueError(
            f"`frames` must be floats in [-1, 1], got {frames.dtype}. Convert pixels [b, k, h, w, c] with "
            "`vdworld.spaces.frames_to_float`."
        )
    if frames.numel() and (largest := float(frames.detach().abs().max())) > _LARGEST:
        raise ValueError(
            f"`frames` must be floats in [-1, 1], got numbers up to {largest:g}. Scale those in [0, 255] by "
            "`frames / 127.5 - 1`."
        )
    b, k = frames.shape[:2]
    first = first_real_frames(lengths, b, k, device)
    encoded = torch.zeros(b, k - 1, codec.dim, device=device)
    action_mask = torch.zeros(b, k - 1, dtype=torch.bool, device=device)
    if actions is not None and k > 1:
        action_mask = torch.arange(k - 1, device=device) >= first[:, None]
        encoded = codec.encode_batch(actions, (b, k - 1), device, action_mask)
    return History(frames.to(device, torch.float32), encoded, action_mask, first)


def history_from_clips(clips: StartClips, index: Tensor, codec: ActionCodec, device: torch.device) -> History:
    """Return the history that start clips make, one clip per lane, picked by their index ``[b]``."""
    clips, index = clips.to(device), index.to(device)
    frames, action_mask = clips.frames[index].float().div(127.5).sub(1.0), clips.action_mask[index]
    return History(frames, codec.encode_flat(clips.actions[index], action_mask), action_mask)
