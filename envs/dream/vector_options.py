"""The options of a vector environment's ``reset``: the lanes to reset, and what the other options say about them."""

from __future__ import annotations

from typing import Any

import numpy as np

from vdworld.envs.array_trees import map_leaves, stack_lanes, to_numpy


def split_options(options: dict[str, Any] | None, num_envs: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the lanes to reset, bool ``[num_envs]``, and the other options with the rows of these lanes alone.

    Args:
        options: ``"reset_mask"`` (by default all lanes) and arrays with a row per lane, as in infos; None values count
            as absent.
        num_envs: The number of lanes.

    Raises:
        ValueError: The mask is not a bool array with a True in it, or an option does not hold a row per lane.
    """
    present = {name: value for name, value in (options or {}).items() if value is not None}
    mask = _checked_mask(present.pop("reset_mask", None), num_envs)
    return mask, map_leaves(lambda rows: _checked_rows(rows, num_envs)[mask], _as_batches(present))


def _as_batches(tree: Any) -> Any:
    """Return options without what infos add to them: masks, and object arrays of one tuple per lane."""
    if isinstance(tree, dict):
        return {name: _as_batches(part) for name, part in tree.items() if str(name)[:1] != "_" or name[1:] not in tree}
    if isinstance(tree, np.ndarray) and tree.dtype == object:
        return stack_lanes(tree)
    return tree


def _checked_mask(mask: Any, num_envs: int) -> np.ndarray:
    if mask is None:
        return np.ones(num_envs, dtype=np.bool_)
    mask = to_numpy(mask)
    if getattr(mask, "dtype", None) != np.bool_ or mask.shape != (num_envs,) or not mask.any():
        raise ValueError(f"`reset_mask` must be a bool array of {num_envs} lanes with a True among them, got {mask!r}.")
    return mask


def _checked_rows(value: Any, num_envs: int) -> np.ndarray:
    rows = np.asarray(to_numpy(value))
    if rows.shape[:1] != (num_envs,):
        raise ValueError(f"`options` must hold a row for each of {num_envs} lanes, got shape {rows.shape}.")
    return rows
