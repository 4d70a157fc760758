"""The infos of a vector environment are split by lane."""

from __future__ import annotations

import numpy as np

from vdworld.envs.integrations.lane_infos import infos_by_lane


def test_infos_are_split_by_their_masks() -> None:
    both, second = np.array([True, True]), np.array([False, True])
    infos = {
        "a": np.array([1, 2]),
        "_a": both,
        "b": {"c": np.array([0, 3]), "_c": second, "d": (np.array([4, 5]), np.array([6, 7]))},
        "_b": second,
    }
    assert infos_by_lane(infos, 2) == [{"a": 1}, {"a": 2, "b": {"c": 3, "d": (5, 7)}}]
