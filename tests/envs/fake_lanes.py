"""Batches of dreams in the fake world, and a comparison of their results."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode

from tests.envs.fake_world import BOX, FakeWorld
from vdworld.envs import DreamVectorEnv

NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED
ACTIONS = np.full((3, 2), 0.5, dtype=np.float32)
SEEDS = (8, 5, 6)  # episodes of 3, 4 and 5 steps


def make(num_envs: int = 3, **kwargs: Any) -> DreamVectorEnv:
    return DreamVectorEnv(FakeWorld(kwargs.pop("space", BOX)), num_envs, **kwargs)


def steps(envs: DreamVectorEnv, count: int) -> list[Any]:
    return [envs.step(ACTIONS) for _ in range(count)]


def same(ours: Any, theirs: Any) -> bool:
    """Compare results of two vector environments in the same dtypes."""
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, tuple):
        return all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    if ours.dtype == object:
        return all(data_equivalence(a, b, exact=True) for a, b in zip(ours, theirs, strict=True))
    return bool(np.array_equal(ours, np.asarray(theirs).astype(ours.dtype)))
