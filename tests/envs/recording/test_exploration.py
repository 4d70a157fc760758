from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from vdworld.envs.recording.exploration import Exploration
from vdworld.spaces import flatten_action

SPACES = [
    spaces.Box(0, 512, (2,)),
    spaces.Box(-np.inf, np.inf, (3,)),
    spaces.Box(0.0, np.inf, (2,)),
    spaces.Box(-5, 5, (2, 2), dtype=np.int64),
    spaces.Box(np.float32(-3e38), np.float32(3e38), (2,)),
    spaces.Discrete(6),
    spaces.Discrete(4, start=-2),
    spaces.MultiDiscrete([3, 5]),
    spaces.MultiBinary(4),
    spaces.Dict({"move": spaces.Box(-1, 1, (2,)), "grip": spaces.Tuple([spaces.Discrete(2), spaces.MultiBinary(2)])}),
]


def explore(space: gym.Space, count: int, seed: int = 0, **settings: Any) -> list:
    policy, rng = Exploration(**settings), np.random.default_rng(seed)
    policy.reset(space, rng)
    return [policy({}, space, rng) for _ in range(count)]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_every_action_lies_in_its_space(space: gym.Space) -> None:
    for action in explore(space, 60):
        assert space.contains(action), action


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_the_seed_decides_the_actions(space: gym.Space) -> None:
    flat = [np.stack([flatten_action(space, a) for a in explore(space, 30, seed)]) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(flat[0], flat[1])
    assert not np.array_equal(flat[0], flat[2])


def test_the_whole_box_is_visited() -> None:
    actions = np.stack(explore(spaces.Box(0, 512, (2,)), 4000))
    assert (actions.min(axis=0) < 20).all()
    assert (actions.max(axis=0) > 492).all()
    np.testing.assert_allclose(actions.mean(axis=0), 256, atol=25)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_limits_of_a_dtype_are_not_explored(dtype: type) -> None:
    limit = np.finfo(dtype).max
    assert np.abs(explore(spaces.Box(-limit, limit, (2,), dtype), 200)).max() < 10


def test_continuous_actions_are_smooth() -> None:
    actions = np.stack(explore(spaces.Box(-1, 1, (1,)), 2000))
    independent = np.random.default_rng(0).uniform(-1, 1, (2000, 1))
    assert np.abs(np.diff(actions, axis=0)).mean() < 0.35 * np.abs(np.diff(independent, axis=0)).mean()


def test_choices_are_held_for_a_while_and_all_are_made() -> None:
    actions = np.array(explore(spaces.Discrete(6), 3000))
    assert set(actions.tolist()) == set(range(6))
    changes = np.flatnonzero(np.diff(actions)) + 1
    assert 5 < 3000 / len(changes) < 10  # 6.5 steps on average, a sixth of the changes choose the same again


def test_a_hold_of_one_step_without_smoothing_is_plain_random() -> None:
    actions = np.stack(explore(spaces.Box(-1, 1, (1,)), 2000, hold=(1, 1), smoothing=0.0, noise=0.0))[:, 0]
    assert abs(np.corrcoef(actions[:-1], actions[1:])[0, 1]) < 0.1


@pytest.mark.parametrize("settings", [{"hold": (0, 3)}, {"hold": (4, 2)}, {"smoothing": 1.0}, {"noise": -1.0}])
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Exploration(**settings)


def test_spaces_that_can_not_be_flattened_are_refused() -> None:
    with pytest.raises(ValueError, match="must consist of Box, Discrete"):
        explore(spaces.Text(5), 1)
