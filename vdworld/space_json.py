"""Gymnasium spaces as plain JSON values, for datasets and checkpoints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from vdworld.json_values import arguments_from_json

MAX_CHOICES = 2**20  # of a discrete space, which networks see one-hot


def space_to_json(space: gym.Space) -> dict[str, Any]:
    """Describe a space in plain JSON values; infinite bounds become None.

    Raises:
        ValueError: The space holds something other than Box, Discrete, MultiDiscrete, MultiBinary, Dict and Tuple.
    """
    if isinstance(space, spaces.Dict):
        return {"type": "Dict", "spaces": {key: space_to_json(part) for key, part in space.spaces.items()}}
    if isinstance(space, spaces.Tuple):
        return {"type": "Tuple", "spaces": [space_to_json(part) for part in space.spaces]}
    if isinstance(space, spaces.Discrete):
        return {"type": "Discrete", "n": int(space.n), "start": int(space.start), **_dtype(space)}
    if isinstance(space, spaces.MultiDiscrete):
        return {"type": "MultiDiscrete", "nvec": space.nvec.tolist(), "start": space.start.tolist(), **_dtype(space)}
    if isinstance(space, spaces.MultiBinary):
        return {"type": "MultiBinary", "shape": list(space.shape)}
    if isinstance(space, spaces.Box):
        ends = [[None if np.isinf(v) else v.item() for v in end.ravel()] for end in (space.low, space.high)]
        return {"type": "Box", "shape": list(space.shape), "dtype": str(space.dtype), "low": ends[0], "high": ends[1]}
    raise ValueError(f"`space` must be made of Box, Discrete, MultiDiscrete, MultiBinary, Dict and Tuple, got {space}.")


def space_from_json(values: dict[str, Any]) -> gym.Space:
    """Build the space that ``space_to_json`` described.

    Raises:
        ValueError: The type is unknown, or a value is missing, of another type or too large.
    """
    kind = values.get("type") if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in _BUILDERS:
        raise ValueError(f"`type` must be Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple, got {kind!r}.")
    arguments = {name: value for name, value in values.items() if name != "type"}
    return _BUILDERS[kind](**arguments_from_json(_BUILDERS[kind], arguments))


def _dict(spaces: dict[str, Any]) -> gym.Space:
    return gym.spaces.Dict([(key, space_from_json(part)) for key, part in spaces.items()])  # pairs keep their order


def _tuple(spaces: Sequence[Any]) -> gym.Space:
    return gym.spaces.Tuple([space_from_json(part) for part in spaces])


def _discrete(n: int, start: int, dtype: str = "int64") -> gym.Space:
    _check_choices(n)
    return spaces.Discrete(n, start=start, dtype=_type(dtype, "iu"))


def _multi_discrete(nvec: Any, start: Any, dtype: str = "int64") -> gym.Space:
    counts, firsts = np.asarray(nvec), np.asarray(start)
    if counts.dtype.kind != "i" or firsts.dtype.kind != "i":
        raise ValueError(f"`nvec` and `start` must be whole numbers, got {counts.dtype} and {firsts.dtype}.")
    _check_choices(int(counts.clip(0, MAX_CHOICES + 1).sum()))
    return spaces.MultiDiscrete(counts, start=firsts, dtype=_type(dtype, "iu"))


def _multi_binary(shape: Sequence[int]) -> gym.Space:
    _check_choices(math.prod(shape))
    return spaces.MultiBinary(shape[0] if len(shape) == 1 else shape)


def _box(shape: Sequence[int], dtype: str, low: Sequence[float | None], high: Sequence[float | None]) -> gym.Space:
    kind, size = _type(dtype, "fiub"), math.prod(shape)
    if min(shape, default=1) < 1 or not len(low) == len(high) == size:
        raise ValueError(f"`low` and `high` must have {size} numbers for shape {list(shape)}, got {len(low)}.")
    ends = [
        np.array([infinity if v is None else v for v in end], dtype=kind).reshape(shape)
        for end, infinity in ((low, -np.inf), (high, np.inf))
    ]
    if not (ends[0] <= ends[1]).all():
        raise ValueError("`low` must not exceed `high`.")
    return spaces.Box(ends[0], ends[1], dtype=kind)


def _check_choices(number: int) -> None:
    if not 0 < number <= MAX_CHOICES:
        raise ValueError(f"A discrete space must have 1 to {MAX_CHOICES:,} choices, got {number}.")


def _type(name: str, kinds: str) -> Any:
    """Return a type of numbers by its name, of one of numpy's kinds."""
    if name not in np.sctypeDict or np.dtype(name).kind not in kinds:
        raise ValueError(f"`dtype` must be a type of numbers such as float32 or int64, got {name!r}.")
    return np.dtype(name).type


_BUILDERS = {
    "Dict": _dict,
    "Tuple": _tuple,
    "Discrete": _discrete,
    "MultiDiscrete": _multi_discrete,
    "MultiBinary": _multi_binary,
    "Box": _box,
}


def _dtype(space: spaces.Discrete | spaces.MultiDiscrete) -> dict[str, str]:
    """Return the entry for the dtype of a discrete space, which files of vdworld 0.1.0 lack: none for int64."""
    return {} if space.dtype == np.int64 else {"dtype": str(space.dtype)}
