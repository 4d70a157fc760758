"""Check that recorded actions are in their space, up to rounding."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from vdworld.space_leaves import leaf_bounds, leaf_choices, leaf_offsets, leaves

ROUNDING = 1e-5
"""How far a number may lie outside its bounds, as a share of them: bounds and actions were rounded to float32."""


def check_actions(flat: np.ndarray, space: gym.Space) -> None:
    """Check flat actions ``[T, n]`` of an episode.

    Raises:
        ValueError: A number lies outside the space; the message names the row and the column.
    """
    wrong = illegal_numbers(flat, space)
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        raise ValueError(
            f"`actions` must lie in {space}, got {flat[row, column]:g} in row {row}, column {column}. Correct or clip "
            "them, or give the writer the `action_space` that they belong to."
        )


def illegal_numbers(flat: np.ndarray, space: gym.Space) -> np.ndarray:
    """Return which numbers of flat actions ``[..., n]`` are outside the space, or fractions of what is whole."""
    limits, whole = (np.concatenate(parts) for parts in zip(*map(_limits, leaves(space)), strict=True))
    low, high = (limits + np.array([-ROUNDING, ROUNDING]) * (1 + np.abs(limits))).T
    return (flat < low) | (flat > high) | (whole & (flat != np.rint(flat)))


def clip_boxes(flat: np.ndarray, space: gym.Space) -> np.ndarray:
    """Return flat actions ``[..., n]`` with the numbers of Boxes clipped to their bounds."""
    bounds = [leaf_bounds(leaf) if isinstance(leaf, spaces.Box) else _unbounded(leaf) for leaf in leaves(space)]
    low, high = np.concatenate(bounds).astype(flat.dtype).T
    return flat.clip(low, high)


def _limits(leaf: gym.Space) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest value of each number ``[n, 2]``, and whether it is a whole one ``[n]``."""
    choices, offsets = np.array(leaf_choices(leaf)), leaf_offsets(leaf)
    chosen = np.stack([offsets, offsets + choices - 1], axis=1)
    is_whole = np.full(len(choices), not isinstance(leaf, spaces.Box) or np.issubdtype(leaf.dtype, np.integer))
    return np.where(choices[:, None] > 0, chosen, leaf_bounds(leaf)), is_whole


def _unbounded(leaf: gym.Space) -> np.ndarray:
    return np.tile([-np.inf, np.inf], (len(leaf_choices(leaf)), 1))
