"""Claims about the observations that dreams and real environments share."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from vdworld.envs.frame_spaces import frame_space, side_by_side, strip_prefix


def test_one_camera_alone_is_a_box() -> None:
    assert frame_space({"top": (4, 6)}, {}) == spaces.Box(0, 255, (4, 6, 3), np.uint8)


def test_several_cameras_or_readings_are_a_dict() -> None:
    assert list(frame_space({"top": (4, 6), "wrist": (4, 6)}, {}).spaces) == ["top", "wrist"]  # type: ignore[attr-defined]
    space = frame_space({"top": (4, 6)}, {"observation.pos": 2, "info.force": 1})
    assert space["pos"] == spaces.Box(-np.inf, np.inf, (2,), np.float32)  # type: ignore[index]
    assert space["info.force"].shape == (1,)  # type: ignore[index]


def test_only_the_prefix_of_observations_is_stripped() -> None:
    assert strip_prefix("observation.agent_pos") == "agent_pos"
    assert strip_prefix("info.observation.pos") == "info.observation.pos"


def test_cameras_are_side_by_side_in_the_requested_order() -> None:
    left, right = np.zeros((2, 3, 3), np.uint8), np.ones((2, 4, 3), np.uint8)
    picture = side_by_side({"a": right, "b": left}, ["b", "a"])
    assert picture.shape == (2, 7, 3)
    assert picture[0, :, 0].tolist() == [0] * 3 + [1] * 4
    np.testing.assert_array_equal(side_by_side(right, ["a"]), right)
