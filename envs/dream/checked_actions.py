"""Actions on their way to the world: checked against the action space and copied to the world's device."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.error import InvalidAction

from vdworld.envs.array_trees import map_leaves, to_numpy

CLIP, STRICT = "clip", "strict"


def check_actions_setting(actions: str) -> None:
    """Check the setting that says what becomes of Box actions outside the bounds.

    Raises:
        ValueError: It is neither ``"clip"`` nor ``"strict"``.
    """
    if actions not in (CLIP, STRICT):
        raise ValueError(f'`actions` must be "{CLIP}" or "{STRICT}", got {actions!r}.')


def checked_action(space: gym.Space, action: Any, device: torch.device, actions: str = CLIP) -> Any:
    """Return a copy of ``action`` as a tree of tensors on ``device``, in the dtypes of ``space``.

    ``action`` may hold NumPy arrays, tensors, lists or Python numbers, in any precision (float64 for a float32 Box,
    int32 for a Discrete). Floats are not accepted where the space holds integers.

    Args:
        space: The action space, of one lane or of a batch.
        action: The action.
        device: Where the tensors are wanted.
        actions: ``"clip"`` clips numbers of a Box to its bounds, as most real environments do; ``"strict"`` refuses
            those outside.

    Raises:
        InvalidAction: `action` is not in `space`; with ``"clip"``, for another reason than the bounds of a Box.
    """
    try:
        native = _cast(space, action, clip=actions == CLIP)
    except (TypeError, ValueError, KeyError) as error:
        raise _refused(space, action) from error
    if not space.contains(native):
        raise _refused(space, action)
    return map_leaves(lambda leaf: torch.tensor(leaf, device=device), native)


def _refused(space: gym.Space, action: Any) -> InvalidAction:
    return InvalidAction(f"`action` must lie in {space}, got {action!r}.")


def _cast(space: gym.Space, action: Any, *, clip: bool) -> Any:
    """Return ``action`` in the structure and dtypes of ``space``; TypeError, ValueError or KeyError if it can't be."""
    if isinstance(space, spaces.Dict):
        if not isinstance(action, dict) or action.keys() - space.spaces.keys():
            raise TypeError("the entries are not those of the space")
        return {key: _cast(part, action[key], clip=clip) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_cast(part, value, clip=clip) for part, value in zip(space.spaces, action, strict=True))
    values = np.asarray(to_numpy(action))
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise ValueError("the values are not finite numbers")
    if values.shape != space.shape:
        raise ValueError("the shape is not that of the space")
    if clip and isinstance(space, spaces.Box):
        values = np.clip(values, space.low, space.high)
    with np.errstate(over="ignore"):
        cast = np.asarray(values, dtype=space.dtype)
    whole = np.issubdtype(cast.dtype, np.integer)
    if (whole and (values.dtype.kind == "f" or (cast != values).any())) or not np.isfinite(cast).all():
        raise ValueError("the values do not fit the dtype")
    return cast[()] if isinstance(space, spaces.Discrete) else cast
