"""How a vector environment hands over its results: NumPy arrays or tensors, infos beside their masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vdworld.envs.dream.dream_spaces import map_leaves, to_numpy


class VectorOutput:
    """Turn results on the world's device into what the user asked for, always in memory of its own.

    Infos follow Gymnasium: next to each entry, ``[num_envs, ...]``, stands a bool mask ``"_" + name`` of the lanes that
    have it; the other rows are zero.

    Args:
        kind: ``"numpy"`` or ``"torch"``.
        num_envs: The number of lanes.
        device: Where tensors are handed over.

    Raises:
        ValueError: `kind` is neither.
    """

    def __init__(self, kind: str, num_envs: int, device: torch.device) -> None:
        if kind not in ("numpy", "torch"):
            raise ValueError(f'`output` must be "numpy" or "torch", got {kind!r}.')
        self.kind = kind
        self.num_envs = num_envs
        self.device = device

    def tree(self, tree: Any) -> Any:
        """Hand over a tree of tensors or arrays."""
        return map_leaves(self._leaf, tree)

    def final(self, observation: Any, info: dict[str, Any], mask: np.ndarray) -> dict[str, Any]:
        """Return the infos that tell how the episodes in the lanes of ``mask`` ended; ``info`` has their rows alone.

        As in Gymnasium, ``"final_obs"`` is an object array of single observations, None for the other lanes; as
        tensors it is the batched observation, of which the rows in ``"_final_obs"`` count.
        """
        observations = self.tree(observation)
        if self.kind == "numpy":
            lanes = np.full(self.num_envs, None, dtype=object)
            for lane in np.flatnonzero(mask):
                lanes[lane] = map_leaves(lambda leaf, lane=lane: leaf[lane].copy(), observations)
            observations = lanes
        infos = {"final_obs": observations, "final_info": self.info(info, mask)}
        return infos | {f"_{name}": self._leaf(mask) for name in list(infos)}

    def info(self, values: dict[str, Any], mask: np.ndarray) -> dict[str, Any]:
        """Return infos for the lanes of ``mask`` (bool ``[num_envs]``; no entry at all where it is empty).

        Args:
            values: Tensors or arrays by name, or nested dicts and tuples of them, with a row for each lane of ``mask``.
            mask: The lanes that have them, bool ``[num_envs]``.
        """
        infos: dict[str, Any] = {}
        for name, value in values.items() if mask.any() else ():
            infos[name] = self.info(value, mask) if isinstance(value, dict) else self._scattered(value, mask)
            infos[f"_{name}"] = self._leaf(mask)
        return infos

    def _scattered(self, value: Any, mask: np.ndarray) -> Any:
        def scatter(rows: Any) -> Any:
            rows = torch.as_tensor(rows, device=self.device)
            if mask.all():
                return self._leaf(rows)
            lanes = rows.new_zeros(self.num_envs, *rows.shape[1:])
            lanes[torch.as_tensor(mask, device=self.device)] = rows
            return self._leaf(lanes)

        return map_leaves(scatter, value)

    def _leaf(self, value: Any) -> Any:
        if self.kind == "torch":
            return torch.as_tensor(value, device=self.device).clone()
        return np.array(to_numpy(value))
