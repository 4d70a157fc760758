"""Reset a vector environment with options per lane, as Stable-Baselines3 gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import VectorEnv

from vdworld.envs.array_trees import map_leaves, stack_lanes
from vdworld.envs.dream import DreamVectorEnv
from vdworld.envs.integrations.lane_infos import infos_by_lane


def reset_with_options(
    envs: VectorEnv, seed: int | None, options: Sequence[dict[str, Any]]
) -> tuple[Any, list[dict[str, Any]]]:
    """Begin an episode in every lane, and return the observations and the infos by lane.

    Lanes whose options one call can't express are reset one by one, with ``"reset_mask"``.

    Args:
        envs: The vector environment.
        seed: Lane i gets ``seed + i``; None draws the seeds.
        options: One dict per lane, in the form that a single environment's ``reset`` takes.
    """
    count = envs.num_envs
    together = len({_layout(own) for own in options}) == 1 and (_is_dream(envs) or _all_same(options))
    lanes = options if together else [options[0]] * count
    observations, infos = envs.reset(seed=seed, options=_batched(envs, lanes))
    by_lane = infos_by_lane(infos, count)
    seeds: Any = [None if seed is None else seed + lane for lane in range(count)]
    for lane in range(count) if not together else ():
        mask = {"reset_mask": np.arange(count) == lane}
        observations, infos = envs.reset(seed=seeds, options={**_batched(envs, [options[lane]] * count), **mask})
        by_lane[lane] = infos_by_lane(infos, count)[lane]
    return observations, by_lane


def _batched(envs: VectorEnv, options: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return options of lanes in the form of the vector environment: dreams take rows, others what every lane gets."""
    return stack_lanes(options) if _is_dream(envs) else dict(options[0])


def _is_dream(envs: VectorEnv) -> bool:
    return isinstance(envs.unwrapped, DreamVectorEnv)


def _all_same(options: Sequence[dict[str, Any]]) -> bool:
    return all(data_equivalence(own, options[0]) for own in options)


def _layout(options: dict[str, Any]) -> str:
    """Return the names and shapes of options; those of the same layout can be stacked."""
    return repr(map_leaves(np.shape, dict(sorted(options.items()))))
