"""Actions on their way to the world: checked against the action space and copied to the world's device."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.error import InvalidAction

from vdworld.envs.array_trees import map_leaves, to_numpy


def checked_action(space: gym.Space, action: Any, device: torch.device) -> Any:
    """Return a copy of ``action`` as a tree of tensors on ``device``, in the dtypes of ``space``.

    ``action`` may hold NumPy arrays, tensors, lists or Python numbers, in any precision (float64 for a float32 Box,
    int32 for a Discrete). Floats are not accepted where the space holds integers.

    Raises:
        InvalidAction: `action` is not in `space`.
    """
    try:
        native = _cast(space, action)
    except (TypeError, ValueError, KeyError):
        native = None
    if native is None or not space.contains(native):
        raise InvalidAction(f"`action` must lie in {space}, got {action!r}.")
    return map_leaves(lambda leaf: torch.tensor(leaf, device=device), native)


def _cast(space: gym.Space, action: Any) -> Any:
    """Return ``action`` in the structure and dtypes of ``space``; TypeError, ValueError or KeyError if it can't be."""
    if isinstance(space, spaces.Dict):
        if not isinstance(action, dict) or action.keys() - space.spaces.keys():
            raise TypeError("the entries are not those of the space")
        return {key: _cast(part, action[key]) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_cast(part, value) for part, value in zip(space.spaces, action, strict=True))
    values = np.asarray(to_numpy(action))
    cast = values.astype(space.dtype)
    if not np.issubdtype(cast.dtype, np.floating) and (values.dtype.kind not in "biu" or (cast != values).any()):
        raise ValueError("the values are not whole numbers within the dtype")
    return cast[()] if isinstance(space, spaces.Discrete) else cast
