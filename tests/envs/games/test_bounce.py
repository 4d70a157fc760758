"""The bouncing ball, by hand."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from vdworld.envs.games.bounce import BounceEnv


def begun(paddle: float, row: float, column: float, drift: int = 0, actions: str = "discrete") -> BounceEnv:
    env = BounceEnv(actions)
    env.reset(seed=0)
    env._paddle, env._row, env._column, env._drift = paddle, row, column, drift
    return env


@pytest.mark.parametrize("actions", ["discrete", "continuous", "dict"])
def test_it_is_a_gymnasium_environment(actions: str) -> None:
    check_env(
        gym.make("vdworld/Bounce-v0", actions=actions, disable_env_checker=True).unwrapped, skip_render_check=True
    )


@pytest.mark.parametrize(
    ("paddle", "drift"),
    [(10, 0), (5, 2), (15, -2), (16, None), (4, None)],  # middles at 14, 9, 19, 20, 8; the ball's at 14; 6 is a miss
)
def test_a_ball_bounces_off_the_paddle_where_they_overlap(paddle: float, drift: int | None) -> None:
    env = begun(paddle, 20, 12)
    assert env.step(1)[1:3] == (0.0, False)  # row 23
    _, reward, terminated, _, _ = env.step(1)  # row 26 = 32 - 2 - 4
    assert (reward, terminated) == (float(drift is not None), drift is None)
    if drift is not None:
        assert (env._falling, env._drift) == (-3, drift)
        env.step(1)
        assert (env._row, env._column) == (23, 12 + drift)


def test_a_ball_bounces_off_walls_and_ceiling() -> None:
    env = begun(0, 12, 1, drift=-2)
    env._falling = -3
    places = [(env.step(1), int(env._row), int(env._column))[1:] for _ in range(6)]
    assert places == [(9, 0), (6, 2), (3, 4), (0, 6), (3, 8), (6, 10)]


def test_the_paddle_moves_by_three_pixels_or_a_share_of_them() -> None:
    env = begun(10, 0, 20)
    assert [(env.step(move), env._paddle)[1] for move in (0, 2, 2, 1)] == [7, 10, 13, 13]
    env = begun(10, 0, 20, actions="dict")
    env.step({"direction": 2, "speed": np.array([0.5], np.float32)})
    assert env._paddle == 11.5
    env = begun(10, 0, 20, actions="continuous")
    env.step(np.array([-0.5], np.float32))
    assert env._paddle == 8.5


def test_it_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="`actions` must be"):
        BounceEnv(actions="none")
    with pytest.raises(ValueError, match="`size` must be"):
        BounceEnv(size=8)
