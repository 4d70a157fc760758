"""The numbers that an environment gives beside its pictures, under the names that datasets use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.envs.real.cameras import is_picture, space_leaves


def observed_numbers(space: gym.Space, observation: Any) -> dict[str, np.ndarray]:
    """Return the numbers in an observation, ``[d]`` each, as ``observation.<key>``.

    An observation without keys becomes ``observation.state``.
    """
    numbers = {}
    for path, leaf in space_leaves(space):
        if is_picture(leaf):
            continue
        value = observation
        for key in path:
            value = value[key]
        if (vector := _vector(value)) is not None:
            numbers["observation." + (".".join(path) or "state")] = vector
    return numbers


def info_numbers(info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the numbers in an ``info``, ``[d]`` each, as ``info.<key>``; nested ones as ``info.<key>.<key>``."""
    numbers = {}
    for key, value in info.items():
        if isinstance(value, Mapping):
            nested = info_numbers(value)
            numbers |= {f"info.{key}.{name.removeprefix('info.')}": number for name, number in nested.items()}
        elif (vector := _vector(value)) is not None:
            numbers[f"info.{key}"] = vector
    return numbers


def _vector(value: Any) -> np.ndarray | None:
    """Return numbers as a flat array, and None for anything else."""
    if not isinstance(value, np.ndarray | np.generic | int | float | bool):
        return None
    array = np.asarray(value).ravel()
    return array if array.dtype.kind in "fiub" and array.size > 0 else None
