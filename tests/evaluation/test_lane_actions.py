"""Claims about what agents return."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from vdworld.evaluation.lane_actions import lane_actions

BOX = spaces.Box(-1.0, 1.0, (2,), np.float32)
BOTH = spaces.Dict({"arm": BOX, "tool": spaces.Discrete(3, start=1)})
PAIR = spaces.Tuple([spaces.Discrete(2), BOX])
ARM = np.zeros(2)


@pytest.mark.parametrize(
    ("space", "actions"),
    [
        (BOX, np.full((3, 2), 7.0)),  # beyond the bounds, as environments take it
        (BOX, [(0.1, 0.2), (0.3, 0.4), (0.5, 0.6)]),
        (BOX, torch.zeros(3, 2, requires_grad=True)),
        (spaces.Discrete(3), [0, np.int64(1), 2]),
        (spaces.Discrete(3), torch.tensor([0.0, 1.0, 2.0])),
        (spaces.MultiBinary(2), np.ones((3, 2))),
        (BOTH, {"arm": np.zeros((3, 2)), "tool": np.array([1, 2, 3])}),
        (BOTH, [{"arm": ARM, "tool": tool} for tool in (1, 2, 3)]),
        (PAIR, (np.array([0, 1, 0]), np.zeros((3, 2)))),
        (PAIR, [(1, ARM), (0, ARM), (1, ARM)]),
    ],
)
def test_one_native_action_per_lane_comes_back(space: spaces.Space, actions: Any) -> None:
    native = lane_actions(space, actions, 3, "mine")
    assert len(native) == 3
    assert all(space.contains(action) for action in native) or np.max(native) == 7
    if isinstance(actions, list) and space is BOX:
        np.testing.assert_allclose(native, actions)


@pytest.mark.parametrize(
    ("space", "actions"),
    [
        (BOX, np.zeros((2, 2))),
        (BOX, np.zeros(6)),
        (BOX, np.zeros((3, 3))),
        (BOX, np.zeros((3, 1, 2))),
        (BOX, np.full((3, 2), np.nan)),
        (BOX, None),
        (BOX, ["left", "right", "left"]),
        (spaces.Discrete(3), np.array([0, 1, 3])),
        (spaces.Discrete(3), np.array([0.5, 1.0, 1.0])),
        (spaces.Discrete(3), 1),
        (spaces.MultiBinary(2), np.full((3, 2), 2)),
        (BOTH, {"arm": np.zeros((3, 2))}),
        (BOTH, {"arm": np.zeros((3, 2)), "tool": np.array([0, 1, 2])}),
        (BOTH, [{"arm": ARM, "tool": 1}, {"arm": ARM, "tool": 1}]),
        (PAIR, [(1, ARM), (0, ARM), 1]),
    ],
)
def test_anything_else_is_refused_with_the_name_of_the_agent(space: spaces.Space, actions: Any) -> None:
    with pytest.raises(ValueError, match="`act` of 'mine' must return one action of .* for each of 3 lanes, got"):
        lane_actions(space, actions, 3, "mine")
