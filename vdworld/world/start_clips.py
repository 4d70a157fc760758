"""Real context clips that are saved with a world, so that a dream can begin without the dataset."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vdworld.types import ActionMask, RawActions


@dataclass(frozen=True)
class StartClips:
    """Short clips of real experience; a dream begins at the end of one.

    Args:
        frames: uint8 pixels ``[n, k, c, h, w]``, padded on the left with the episode's first frame.
        actions: Flat actions between them ``[n, k - 1, n_action]``, zeros where padded.
        action_mask: ``[n, k - 1]``; False where padded.
    """

    frames: Tensor
    actions: RawActions
    action_mask: ActionMask

    def __post_init__(self) -> None:
        if len(self.frames) == 0:
            raise ValueError("`frames` must hold at least one start clip, got none.")

    def __len__(self) -> int:
        return len(self.frames)

    def to(self, device: torch.device) -> StartClips:
        """Return the clips on a device; the same object if they are there already."""
        if self.frames.device == device:
            return self
        return StartClips(**{name: value.to(device) for name, value in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name, as they are saved."""
        return {"frames": self.frames, "actions": self.actions, "action_mask": self.action_mask}
