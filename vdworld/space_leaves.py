"""The simple parts of an action space, and the choices, offsets and bounds of their numbers."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium import spaces

WIDEST_RANGE = 1e6
"""The widest range that an action is scaled by; wider ones, such as all of float32, say nothing about actions."""


def leaves(space: gym.Space) -> list[gym.Space]:
    """Return the simple parts of a space, in the order of a flat action.

    Raises:
        ValueError: The space holds something other than Box, Discrete, MultiDiscrete, MultiBinary, Dict and Tuple, or a
            part without any number.
    """
    if isinstance(space, spaces.Dict | spaces.Tuple):
        parts = list(space.spaces.values()) if isinstance(space, spaces.Dict) else list(space.spaces)
        _check_filled(space, len(parts))
        return [leaf for part in parts for leaf in leaves(part)]
    if isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
        _check_filled(space, leaf_size(space))
        return [space]
    raise ValueError(
        "`space` must consist of Box, Discrete, MultiDiscrete, MultiBinary, Dict and Tuple, "
        f"got {space}. Wrap the environment so that its action space does."
    )


def _check_filled(space: gym.Space, count: int) -> None:
    if count == 0:
        raise ValueError(
            f"`space` must not have an empty part, got {space}. Wrap the environment so that every part of its action "
            "space holds at least one number."
        )


def leaf_size(leaf: gym.Space) -> int:
    """Return how many numbers a simple space has in a flat action."""
    return 1 if isinstance(leaf, spaces.Discrete) else int(np.prod(leaf.shape or ()))


def flat_action_size(space: gym.Space) -> int:
    """Return the length n of a flat action."""
    return sum(leaf_size(leaf) for leaf in leaves(space))


def leaf_choices(leaf: gym.Space) -> list[int]:
    """Return how many choices each number has; 0 for a number of a Box or of a MultiBinary."""
    if isinstance(leaf, spaces.Discrete):
        return [int(leaf.n)]
    if isinstance(leaf, spaces.MultiDiscrete):
        return [int(n) for n in leaf.nvec.ravel()]
    return [0] * leaf_size(leaf)


def leaf_offsets(leaf: gym.Space) -> np.ndarray:
    """Return the first choice of each number; 0 for the others."""
    if isinstance(leaf, spaces.Discrete | spaces.MultiDiscrete):
        return np.asarray(leaf.start, dtype=np.float64).ravel()
    return np.zeros(leaf_size(leaf))


def leaf_bounds(leaf: gym.Space) -> np.ndarray:
    """Return the lowest and the highest value of each number ``[n, 2]``; those of choices are not used."""
    if isinstance(leaf, spaces.Box):
        return np.stack([leaf.low.ravel(), leaf.high.ravel()], axis=1).astype(np.float64)
    return np.tile([0.0, 1.0], (leaf_size(leaf), 1))


def scale_bounds(leaf: gym.Space) -> np.ndarray:
    """Return the bounds that say how large the actions of a simple space are ``[n, 2]``; NaN for those that don't.

    Those are infinity, the limits of the dtype, and the far ends of a range that is wider than ``WIDEST_RANGE``.
    """
    bounds = leaf_bounds(leaf)
    limit = np.finfo(leaf.dtype).max if np.issubdtype(leaf.dtype, np.floating) else np.inf
    with np.errstate(over="ignore"):  # the range of float64's limits is infinite
        is_wide = bounds[:, 1:] - bounds[:, :1] > WIDEST_RANGE
    is_far = np.abs(bounds) > WIDEST_RANGE
    return np.where((is_wide & is_far) | (np.abs(bounds) >= limit), np.nan, bounds)
