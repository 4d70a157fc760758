"""The past that a dream begins from, cut or padded to the length that the network sees."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vdworld.types import Frames, LaneIntegers, PastActionMask, PastActions


@dataclass(frozen=True)
class History:
    """Real frames and the encoded actions between them, one past per lane.

    Args:
        frames: ``[b, k, c, h, w]`` in [-1, 1], newest last.
        actions: Encoded ``[b, k - 1, a]``.
        action_mask: ``[b, k - 1]``; False where an action is null.
        first: Index of every lane's first real frame ``[b]``; None where all frames are real.
    """

    frames: Frames
    actions: PastActions
    action_mask: PastActionMask
    first: LaneIntegers | None = None

    def newest(self, num_frames: int) -> History:
        """Return the newest `num_frames` frames and the actions between them.

        Where a lane has fewer, its first real frame is repeated on the left, with null actions.
        """
        b, k = self.frames.shape[:2]
        first = torch.zeros(b, dtype=torch.long, device=self.frames.device) if self.first is None else self.first
        rows = torch.arange(b, device=self.frames.device)[:, None]
        index = torch.arange(k - num_frames, k, device=self.frames.device).expand(b, -1)
        padded = index[:, :-1] < first[:, None]
        frames = self.frames[rows, index.maximum(first[:, None])]
        if k == 1:  # there are no actions to pick from
            actions = self.actions.new_zeros(b, num_frames - 1, self.actions.shape[-1])
            return History(frames, actions, torch.zeros_like(padded))
        leading = index[:, :-1].clamp(min=0)
        action_mask = self.action_mask[rows, leading] & ~padded
        return History(frames, self.actions[rows, leading] * action_mask[..., None], action_mask)


def first_real_frames(lengths: Tensor | None, num_lanes: int, num_frames: int, device: torch.device) -> LaneIntegers:
    """Return the index of every lane's first real frame ``[b]``.

    Args:
        lengths: How many frames are real ``[b]``, counted from the newest; None means all.
        num_lanes: b.
        num_frames: Frames per lane, the padding included.
        device: The device of the result.

    Raises:
        ValueError: `lengths` is out of range.
    """
    if lengths is None:
        return torch.zeros(num_lanes, dtype=torch.long, device=device)
    if lengths.shape != (num_lanes,) or not ((lengths >= 1) & (lengths <= num_frames)).all():
        rule = f"hold {num_lanes} numbers in 1..{num_frames}, one per lane"
        raise ValueError(f"`lengths` must {rule}, got {lengths.tolist()}.")
    return num_frames - lengths.to(device, torch.long)
