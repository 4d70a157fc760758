"""Gymnasium spaces as plain JSON values, for datasets and checkpoints."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


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
        ValueError: The type is unknown.
    """
    match values["type"]:
        case "Dict":
            pairs = [(key, space_from_json(part)) for key, part in values["spaces"].items()]
            return spaces.Dict(pairs)  # Gymnasium keeps the order of pairs, and sorts a dict
        case "Tuple":
            return spaces.Tuple([space_from_json(part) for part in values["spaces"]])
        case "Discrete":
            return spaces.Discrete(values["n"], start=values["start"], dtype=_integers(values))
        case "MultiDiscrete":
            return spaces.MultiDiscrete(values["nvec"], start=values["start"], dtype=_integers(values))
        case "MultiBinary":
            shape = values["shape"]
            return spaces.MultiBinary(shape[0] if len(shape) == 1 else shape)
        case "Box":
            dtype, shape = np.dtype(values["dtype"]), tuple(values["shape"])
            low = np.array([-np.inf if v is None else v for v in values["low"]], dtype=dtype)
            high = np.array([np.inf if v is None else v for v in values["high"]], dtype=dtype)
            return spaces.Box(low.reshape(shape), high.reshape(shape), dtype=dtype.type)
    kind = values["type"]
    raise ValueError(f"`type` must be Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple, got {kind!r}.")


def _dtype(space: spaces.Discrete | spaces.MultiDiscrete) -> dict[str, str]:
    """Return the entry for the dtype of a discrete space, which files of vdworld 0.1.0 lack: none for int64."""
    return {} if space.dtype == np.int64 else {"dtype": str(space.dtype)}


def _integers(values: dict[str, Any]) -> type[np.integer[Any]]:
    return np.dtype(values.get("dtype", "int64")).type
