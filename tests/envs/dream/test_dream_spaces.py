"""Claims about pixels, pictures, and actions on their way to a world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.error import InvalidAction

from tests.envs.fake_world import HEIGHT, WIDTH, FakeWorld
from vdworld.envs.dream.dream_spaces import by_camera, checked_action, observation_space, side_by_side

CPU = torch.device("cpu")
BOX = spaces.Box(-1.0, 1.0, (2,), np.float32)
GRIP = spaces.Dict({"arm": BOX, "grip": spaces.Discrete(3, start=-1)})


def test_pixels_of_every_grey_level_come_back_exactly() -> None:
    world = FakeWorld()
    levels = torch.arange(256).repeat(3)[: 3 * HEIGHT * WIDTH].reshape(1, 3, HEIGHT, WIDTH)
    pixels = by_camera(world, levels / 127.5 - 1)
    assert pixels[0].numpy() in observation_space(world)
    assert torch.equal(pixels, levels.movedim(1, -1).to(torch.uint8))


def test_cameras_lie_behind_one_another_on_the_channels() -> None:
    world = FakeWorld(cameras=("top", "wrist"))
    frames = torch.cat([torch.full((2, 3, HEIGHT, WIDTH), value) for value in (-1.0, 1.0)], dim=1)
    pixels = by_camera(world, frames)
    assert (pixels["top"] == 0).all()
    assert (pixels["wrist"] == 255).all()
    picture = side_by_side(pixels, world.cameras)
    assert picture.shape == (2, HEIGHT, 2 * WIDTH, 3)
    assert not picture[:, :, :WIDTH].any()


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
def test_actions_may_come_in_any_number_type_that_fits(space: spaces.Space, action: Any) -> None:
    checked = checked_action(space, action, CPU)
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
        (BOX, [0.0, 1.1]),
        (BOX, [[0.0, 0.0]]),
        (spaces.Discrete(3), 3),
        (spaces.Discrete(3), 1.0),
        (spaces.Discrete(3), [1]),
        (spaces.MultiBinary(2), [256, 0]),
        (GRIP, {"arm": np.zeros(2)}),
        (GRIP, {"arm": np.zeros(2), "grip": 0, "leg": 0}),
        (GRIP, np.zeros(3)),
        (spaces.Tuple([BOX, spaces.Discrete(2)]), (np.zeros(2),)),
    ],
)
def test_actions_that_do_not_fit_are_refused(space: spaces.Space, action: Any) -> None:
    with pytest.raises(InvalidAction, match="`action` must lie in"):
        checked_action(space, action, CPU)


def test_the_checked_action_shares_no_memory_with_the_given_one() -> None:
    action = np.zeros(2, dtype=np.float32)
    checked = checked_action(BOX, action, CPU)
    action[:] = 1
    assert not checked.any()
