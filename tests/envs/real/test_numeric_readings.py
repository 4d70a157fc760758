"""Claims about the numbers that an environment gives beside its pictures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from gymnasium import spaces

from vdworld.envs.real.numeric_readings import info_numbers, observed_numbers


def box(*shape: int, dtype: Any = np.uint8) -> spaces.Box:
    return spaces.Box(0, 255, shape, dtype)


def test_numbers_beside_the_pictures_are_kept() -> None:
    space = spaces.Dict({"image": box(8, 8, 3), "arm": spaces.Dict({"pos": box(2, 2, dtype=np.float64)})})
    numbers = observed_numbers(space, {"image": np.zeros((8, 8, 3)), "arm": {"pos": np.arange(4.0).reshape(2, 2)}})
    assert list(numbers) == ["observation.arm.pos"]
    np.testing.assert_array_equal(numbers["observation.arm.pos"], [0, 1, 2, 3])
    assert list(observed_numbers(box(3, dtype=np.float32), np.zeros(3, np.float32))) == ["observation.state"]
    assert list(observed_numbers(spaces.Discrete(4), np.int64(2))) == ["observation.state"]
    assert observed_numbers(box(64, 48, 3), np.zeros((64, 48, 3), np.uint8)) == {}


def test_numeric_info_is_kept_and_the_rest_is_not() -> None:
    info = {"lives": 3, "pos": np.array([1.0, 2.0]), "won": True, "name": "x", "seeds": (1, 2), "none": None}
    info |= {"nested": {"depth": np.float32(2)}, "object": SimpleNamespace(), "empty": np.zeros(0)}
    numbers = info_numbers(info)
    assert {name: value.tolist() for name, value in numbers.items()} == {
        "info.lives": [3],
        "info.pos": [1, 2],
        "info.won": [True],
        "info.nested.depth": [2],
    }
