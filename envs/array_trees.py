"""Trees of arrays, tensors and numbers: nested dicts and tuples, as Gymnasium uses them for Dict and Tuple spaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply ``function`` to every leaf of a tree of dicts and tuples, and return the results in the same structure."""
    if isinstance(tree, dict):
        return {key: map_leaves(function, part) for key, part in tree.items()}
    if isinstance(tree, tuple):
        return tuple(map_leaves(function, part) for part in tree)
    return function(tree)


def to_numpy(value: Any) -> Any:
    """Copy a tensor to a NumPy array; return any other value unchanged."""
    return value.detach().cpu().numpy().copy() if isinstance(value, Tensor) else value
