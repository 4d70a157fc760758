"""Claims about actions on their way to a world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.error import InvalidAction

from vdworld.envs.dream.checked_actions import checked_action

CPU = torch.device("cpu")
BOX = spaces.Box(-1.0, 1.0, (2,), np.float32)
GRIP = spaces.Dict({"arm": BOX, "grip": spaces.Discrete(3, start=-1)})


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (BOX, np.array([1.0, -1.0])),
        (BOX, [0, 1]),
        (BOX, torch.tensor([0.5, 0.5], dtype=torch.float64)),
        (spaces.Box(-0.1, 0.1, (1,), np.float32), np.array([0.1])),
        (spaces.Discrete(3), 2),
        (spaces.Discrete(3), np.int32(2)),
        (spaces.Discrete(3), torch.tensor(2)),
        (spaces.MultiBinary(2), [True, False]),
        (spaces.MultiDiscrete([2, 300]), [1, 299]),
        (GRIP, {"grip": -1, "arm": [0.0, 0.5]}),
        (spaces.Tuple([BOX, spaces.Discrete(2)]), (np.zeros(2), 1)),
    ],
)
@pytest.mark.parametrize("actions", ["clip", "strict"])
def test_actions_may_come_in_any_number_type_that_fits(space: spaces.Space, action: Any, actions: str) -> None:
    checked = checked_action(space, action, CPU, actions)
    if isinstance(space, spaces.Dict):
        assert list(checked) == list(space.spaces)
        checked, action, space = checked["arm"], action["arm"], space["arm"]
    if isinstance(space, spaces.Tuple):
        checked, action, space = checked[0], action[0], space[0]
    np.testing.assert_array_equal(checked.numpy(), np.asarray(action).astype(space.dtype))
    assert checked.numpy().dtype == space.dtype


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (BOX, [0.0, np.nan]),
        (BOX, [0.0, np.inf]),
        (BOX, [[0.0, 0.0]]),
        (BOX, [0.0]),
        (BOX, 0.0),
        (BOX, ["0.5", "0.5"]),
        (BOX, [0.5 + 1j, 0.0]),
        (spaces.Box(-np.inf, np.inf, (1,), np.float32), [1e39]),
        (spaces.Box(0, 5, (1,), np.int64), [1.0]),
        (spaces.Discrete(3), 3),
        (spaces.Discrete(3), 1.0),
        (spaces.Discrete(3), [1]),
        (spaces.MultiBinary(2), [256, 0]),
        (GRIP, {"arm": np.zeros(2)}),
        (GRIP, {"arm": np.zeros(2), "grip": 0, "leg": 0}),
        (GRIP, {"arm": np.full(2, 9.0), "grip": 3}),
        (GRIP, np.zeros(3)),
        (spaces.Tuple([BOX, spaces.Discrete(2)]), (np.zeros(2),)),
    ],
)
@pytest.mark.parametrize("actions", ["clip", "strict"])
def test_actions_that_do_not_fit_are_refused(space: spaces.Space, action: Any, actions: str) -> None:
    with pytest.raises(InvalidAction, match="`action` must lie in"):
        checked_action(space, action, CPU, actions)


@pytest.mark.parametrize(
    ("space", "action", "nearest"),
    [
        (BOX, [0.0, 1.1], [0.0, 1.0]),
        (BOX, np.array([-1e300, np.nextafter(np.float32(1), np.float32(2))]), [-1.0, 1.0]),
        (spaces.Box(0, 255, (2,), np.uint8), [-3, 300], [0, 255]),
        (spaces.Box(0.0, np.inf, (2,), np.float32), [-2.0, 7.0], [0.0, 7.0]),
        (spaces.Box(-0.2, 1.0, (), np.float32), -0.20000003, np.float32(-0.2)),
    ],
)
def test_numbers_beyond_the_bounds_are_clipped_or_refused_as_asked(
    space: spaces.Box, action: Any, nearest: Any
) -> None:
    checked = checked_action(space, action, CPU)
    np.testing.assert_array_equal(checked.numpy(), nearest)
    assert checked.numpy().dtype == space.dtype
    with pytest.raises(InvalidAction, match="`action` must lie in"):
        checked_action(space, action, CPU, "strict")


def test_numbers_within_a_dict_and_a_tuple_are_clipped_too() -> None:
    checked = checked_action(GRIP, {"arm": [3.0, -3.0], "grip": 1}, CPU)
    assert (checked["arm"].tolist(), checked["grip"].item()) == ([1.0, -1.0], 1)
    pair = spaces.Tuple([spaces.Discrete(2), spaces.Tuple([BOX])])
    assert checked_action(pair, (1, ([0.5, 2.0],)), CPU)[1][0].tolist() == [0.5, 1.0]


def test_the_checked_action_shares_no_memory_with_the_given_one() -> None:
    action = np.zeros(2, dtype=np.float32)
    checked = checked_action(BOX, action, CPU)
    action[:] = 1
    assert not checked.any()
