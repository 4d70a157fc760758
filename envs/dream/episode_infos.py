"""What infos say of the episodes that run: their seeds and the context that they started from."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vdworld.envs.array_trees import map_leaves
from vdworld.envs.dream.vector_output import VectorOutput


class EpisodeInfos:
    """Hold the entries of an episode's start, a row per lane, since every info repeats them.

    The infos of resets and steps have the same entries, as TorchRL and others expect of an environment.

    Args:
        output: Converts the entries once, when episodes begin.
    """

    def __init__(self, output: VectorOutput) -> None:
        self._output = output
        self.rows: dict[str, Any] = {}

    def begin(self, rows: dict[str, Any], mask: np.ndarray) -> None:
        """Replace the entries of the lanes in ``mask``; `rows` holds theirs alone."""
        converted = self._output.tree(rows)
        self.rows = converted if mask.all() else self._merged(self.rows, converted, mask)

    def of(self, mask: np.ndarray) -> dict[str, Any]:
        """Return the rows of the lanes in ``mask``."""
        return self.rows if mask.all() else map_leaves(lambda leaf: leaf[self._index(mask)], self.rows)

    def _merged(self, old: Any, new: Any, mask: np.ndarray) -> Any:
        if isinstance(old, dict):
            return {name: self._merged(old[name], new[name], mask) for name in old}
        if isinstance(old, tuple):
            return tuple(self._merged(mine, theirs, mask) for mine, theirs in zip(old, new, strict=True))
        merged = self._output.tree(old)  # a copy: snapshots may hold the old rows
        merged[self._index(mask)] = new
        return merged

    def _index(self, mask: np.ndarray) -> Any:
        return mask if self._output.kind == "numpy" else torch.as_tensor(mask, device=self._output.device)
