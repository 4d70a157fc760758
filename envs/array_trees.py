"""Trees of arrays, tensors and numbers: nested dicts and tuples, as Gymnasium uses them for Dict and Tuple spaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply ``function`` to every leaf of a tree of dicts and tuples, and return the results in the same structure."""
    if isinstance(tree, dict):
        return {key: map_leaves(function, part) for key, part in tree.items()}
    if isinstance(tree, tuple):
        return tuple(map_leaves(function, part) for part in tree)
    return function(tree)


def lanes_of(tree: Any, mask: np.ndarray) -> np.ndarray:
    """Return a batched tree, whose leaves have a row per lane, as an object array: a tree per lane, None outside mask.

    Args:
        tree: The tree.
        mask: The lanes to return, bool ``[b]``.
    """
    lanes = np.full(len(mask), None, dtype=object)
    for lane in np.flatnonzero(mask):
        lanes[lane] = map_leaves(lambda leaf, lane=lane: leaf[lane], tree)
    return lanes


def stack_lanes(lanes: Any) -> Any:
    """Stack trees of the same structure, one per lane; the reverse of ``lanes_of``."""
    first = lanes[0]
    if isinstance(first, dict):
        return {key: stack_lanes([lane[key] for lane in lanes]) for key in first}
    if isinstance(first, tuple):
        return tuple(stack_lanes(parts) for parts in zip(*lanes, strict=True))
    return torch.stack(list(lanes)) if isinstance(first, Tensor) else np.stack(list(lanes))


def to_numpy(value: Any) -> Any:
    """Copy a tensor to a NumPy array; return any other value unchanged."""
    return value.detach().cpu().numpy().copy() if isinstance(value, Tensor) else value
