"""The results of a vector environment: NumPy arrays or tensors, with a mask beside each entry of the infos."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vdworld.envs.array_trees import lanes_of, map_leaves


class VectorOutput:
    """Convert results on the world's device to the output that the user chose, always as copies.

    Infos follow Gymnasium: beside each entry ``[num_envs, ...]`` there is a bool mask ``"_" + name`` of the lanes that
    have it. The rows of the other lanes are zero. Tuples, such as the actions of a Tuple space, become an object array
    of one tuple per lane, None for the others. A number per lane is float64 in NumPy, as in Gymnasium's own vector
    environments, and keeps its dtype as a tensor.

    Args:
        kind: ``"numpy"`` or ``"torch"``.
        num_envs: The number of lanes.
        device: The device of the tensors.

    Raises:
        ValueError: `kind` is unknown.
    """

    def __init__(self, kind: str, num_envs: int, device: torch.device) -> None:
        if kind not in ("numpy", "torch"):
            raise ValueError(f'`output` must be "numpy" or "torch", got {kind!r}.')
        self.kind = kind
        self.num_envs = num_envs
        self.device = device

    def tree(self, tree: Any) -> Any:
        """Convert a tree of tensors or arrays."""
        return map_leaves(self._leaf, tree)

    def final(self, observation: Any, info: dict[str, Any], mask: np.ndarray) -> dict[str, Any]:
        """Return ``"final_obs"`` and ``"final_info"`` of the lanes in ``mask``, whose episodes ended.

        As NumPy, ``"final_obs"`` is an object array of single observations, as in Gymnasium, with None for the other
        lanes. As tensors it is the batched observation, of which only the rows in ``"_final_obs"`` are final.

        Args:
            observation: The batched observation.
            info: Entries of the last step's info, with a row for each lane of ``mask``.
            mask: The lanes, bool ``[num_envs]``.
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
        """Return infos of the lanes in ``mask``; an empty dict if there are none.

        Args:
            values: Tensors or arrays by name, or nested dicts and tuples of them, with a row for each lane of ``mask``.
            mask: The lanes, bool ``[num_envs]``.
        """
        infos: dict[str, Any] = {}
        for name, value in values.items() if mask.any() else ():
            infos[name] = self.info(value, mask) if isinstance(value, dict) else self._scattered(value, mask)
            infos[f"_{name}"] = self._leaf(mask)
        return infos

    def _scattered(self, value: Any, mask: np.ndarray) -> Any:
        """Return an entry with a row for every lane, or for a tuple an object array."""

        def scatter(rows: Any) -> Any:
            if mask.all():
                return self._leaf(rows)
            rows = torch.as_tensor(rows, device=self.device)
            lanes = rows.new_zeros(self.num_envs, *rows.shape[1:])
            lanes[torch.as_tensor(mask, device=self.device)] = rows
            return self._leaf(lanes)

        scattered = map_leaves(scatter, value)
        return lanes_of(scattered, mask) if isinstance(value, tuple) else scattered

    def _leaf(self, value: Any) -> Any:
        if self.kind == "torch":
            return torch.as_tensor(value, device=self.device).clone()
        array = np.array(value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value)
        return array.astype(np.float64) if array.ndim == 1 and array.dtype.kind == "f" else array
