"""Split the infos of a vector environment into one dict per lane."""

from __future__ import annotations

from typing import Any

import numpy as np

from vdworld.envs.array_trees import map_leaves, to_numpy


def infos_by_lane(infos: dict[str, Any], num_envs: int) -> list[dict[str, Any]]:
    """Return one dict per lane from a vector environment's infos: arrays or tensors with their masks ``"_..."``."""
    lanes: list[dict[str, Any]] = [{} for _ in range(num_envs)]
    for name, value in infos.items():
        if name.startswith("_"):
            continue
        nested = infos_by_lane(value, num_envs) if isinstance(value, dict) else None
        for lane in np.flatnonzero(to_numpy(infos.get(f"_{name}", np.ones(num_envs)))):
            row = map_leaves(lambda leaf, lane=lane: to_numpy(leaf[lane]), value) if nested is None else nested[lane]
            lanes[lane][name] = row
    return lanes
