"""The past that a dream begins from: cut or padded to the length that the network sees."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.types import LaneIntegers


def first_frames(lengths: Tensor | None, num_lanes: int, num_frames: int, device: torch.device) -> LaneIntegers:
    """Return the index of every lane's first real frame ``[b]``.

    Args:
        lengths: How many frames are real ``[b]``, counted from the newest; None means all.
        num_lanes: b.
        num_frames: How many frames were given.
        device: Where the answer lies.

    Raises:
        ValueError: `lengths` out of range.
    """
    if lengths is None:
        return torch.zeros(num_lanes, dtype=torch.long, device=device)
    if lengths.shape != (num_lanes,) or not ((lengths >= 1) & (lengths <= num_frames)).all():
        rule = f"hold {num_lanes} numbers in 1..{num_frames}, one per lane"
        raise ValueError(f"`lengths` must {rule}, got {lengths.tolist()}.")
    return num_frames - lengths.to(device, torch.long)


def fit_history(
    frames: Tensor, actions: Tensor, action_mask: Tensor, first: LaneIntegers, num_frames: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Keep the newest `num_frames` frames and the actions between them.

    Where there are fewer, the first real frame is repeated on the left, with null actions.

    Args:
        frames: ``[b, k, c, h, w]``, newest last.
        actions: Encoded ``[b, k - 1, a]``.
        action_mask: ``[b, k - 1]``.
        first: Index of every lane's first real frame ``[b]``.
        num_frames: How many to return.
    """
    b, k = frames.shape[:2]
    rows = torch.arange(b, device=frames.device)[:, None]
    index = torch.arange(k - num_frames, k, device=frames.device).expand(b, -1)
    padded = index[:, :-1] < first[:, None]
    frames = frames[rows, index.maximum(first[:, None])]
    if k == 1:  # there are no actions to pick from
        return frames, actions.new_zeros(b, num_frames - 1, actions.shape[-1]), torch.zeros_like(padded)
    leading = index[:, :-1].clamp(min=0)
    action_mask = action_mask[rows, leading] & ~padded
    return frames, actions[rows, leading] * action_mask[..., None], action_mask
