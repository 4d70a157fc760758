"""The state that a policy carries from one observation to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class RecurrentState:
    """The recurrent states of b lanes between two observations.

    Args:
        hidden: States of the recurrent cells ``[b, d]``, the actor's followed by the critic's.
        previous_actions: The encoded action that leads to the next observation ``[b, a]``; zeros at the beginning.
        past_frames: Frames that are stacked with the next one, oldest first, uint8 ``[b, p, h, w]``; black at the
            beginning.
    """

    hidden: Tensor
    previous_actions: Tensor
    past_frames: Tensor

    def where(self, mask: Tensor, other: RecurrentState) -> RecurrentState:
        """Return this state in the lanes of ``mask`` ``[b]``, and ``other`` in the rest."""
        column = mask[:, None]
        hidden = torch.where(column, self.hidden, other.hidden)
        previous_actions = torch.where(column, self.previous_actions, other.previous_actions)
        past_frames = torch.where(column[..., None, None], self.past_frames, other.past_frames)
        return RecurrentState(hidden, previous_actions, past_frames)

    def after(self, actions: Tensor) -> RecurrentState:
        """Return the state after the encoded actions ``[b, a]``."""
        return replace(self, previous_actions=actions)

    def to_arrays(self) -> tuple[np.ndarray, ...]:
        """Return NumPy copies of the three tensors, in the order of the fields."""
        return tuple(getattr(self, field.name).cpu().numpy().copy() for field in fields(self))

    @classmethod
    def from_arrays(cls, arrays: Sequence[np.ndarray], like: RecurrentState) -> RecurrentState:
        """Read what ``to_arrays`` returned.

        Args:
            arrays: The three arrays.
            like: A state with the right shapes, types and device.

        Raises:
            ValueError: Another number of arrays, or another shape.
        """
        expected = [getattr(like, field.name) for field in fields(like)]
        shapes = [list(part.shape) for part in expected]
        if [list(np.shape(part)) for part in arrays] != shapes:
            raise ValueError(
                f"`state` must hold arrays of the shapes {shapes}, got {[list(np.shape(part)) for part in arrays]}. "
                "Pass the state that the last `predict` of these lanes returned, or None to begin episodes."
            )
        pairs = zip(arrays, expected, strict=True)
        return cls(*(torch.as_tensor(part, dtype=own.dtype, device=own.device) for part, own in pairs))
