"""The results of ``reset`` and ``step`` as arrays, and the comparison of two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vdworld.envs.array_trees import map_leaves, to_numpy

TOLERANCE = 1e-3
"""Largest difference of floats between a lane and the same lane at another place of the batch; for integers it is 1."""


@dataclass(frozen=True)
class StepResult:
    """The result of a reset or a step, as arrays that share no memory with the environment.

    After a reset, rewards and ends are zero.
    """

    observation: Any
    info: dict[str, Any]
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray

    @property
    def ended(self) -> np.ndarray:
        """The lanes whose episodes are over, bool ``[num_envs]``."""
        return self.terminated | self.truncated

    def lanes(self, rows: Any) -> Any:
        """Return observation, reward and ends of some lanes."""
        values = (self.observation, self.reward, self.terminated, self.truncated)
        return map_leaves(lambda leaf: np.asarray(leaf)[rows], values)


def copy_arrays(tree: Any) -> Any:
    """Copy a tree of arrays and tensors to NumPy arrays."""
    return map_leaves(lambda leaf: np.array(to_numpy(leaf)), tree)


def same_tree(left: Any, right: Any, *, nearly: bool = False) -> bool:
    """Return whether two trees hold the same numbers.

    Args:
        left: A tree of arrays.
        right: A tree of the same structure.
        nearly: Whether floats may differ by rounding, and integers by one.
    """
    pairs = zip(_leaves(left), _leaves(right), strict=True)
    return all(_close(a, b) if nearly else np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _leaves(tree: Any) -> list[np.ndarray]:
    leaves: list[np.ndarray] = []
    map_leaves(leaves.append, tree)
    return leaves


def _close(left: np.ndarray, right: np.ndarray) -> bool:
    if left.dtype == np.bool_ or left.shape != right.shape:
        return np.array_equal(left, right)
    gap = np.abs(left.astype(np.float64) - right.astype(np.float64))
    return bool((gap <= (TOLERANCE if left.dtype.kind == "f" else 1)).all())
