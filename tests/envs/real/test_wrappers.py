"""Claims about real environments that look like their dreams."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from vdworld.envs import FrameObservation, check_vector_env, make_real
from vdworld.envs.games.scripted import CounterEnv


class TwoCameras(gym.Env):
    """Shows two pictures of different size, and a number."""

    observation_space = spaces.Dict(
        {
            "top": spaces.Box(0, 255, (10, 12, 3), np.uint8),
            "wrist": spaces.Box(0, 255, (8, 8, 3), np.uint8),
            "speed": spaces.Box(-1, 1, (2,), np.float32),
        }
    )
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self._observation(0), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self._observation(int(action)), 0.0, False, False, {}

    def _observation(self, value: int) -> dict[str, np.ndarray]:
        top, wrist = np.full((10, 12, 3), value, np.uint8), np.full((8, 8, 3), 100 + value, np.uint8)
        return {"top": top, "wrist": wrist, "speed": np.zeros(2, np.float32)}


def test_frames_become_the_observation_and_leave_the_info() -> None:
    real = make_real(CounterEnv)
    env = FrameObservation(real)
    assert env.observation_space == spaces.Box(0, 255, (8, 8, 3), np.uint8)
    observation, info = env.reset(seed=3)
    assert "frames" not in info
    assert "sum" in info
    observation, *_, info = env.step(2)
    np.testing.assert_array_equal(observation, real.frames()["pixels"])
    np.testing.assert_array_equal(env.render(), observation)
    assert "frames" not in info


def test_several_cameras_become_a_dict_and_numbers_are_left_out() -> None:
    env = FrameObservation(make_real(TwoCameras))
    boxes: dict[str, spaces.Space] = {"top": spaces.Box(0, 255, (10, 12, 3), np.uint8)}
    boxes["wrist"] = spaces.Box(0, 255, (8, 8, 3), np.uint8)
    assert env.observation_space == spaces.Dict(boxes)
    env.reset(seed=0)
    observation, *_ = env.step(1)
    assert {name: view.max() for name, view in observation.items()} == {"top": 1, "wrist": 101}


def test_rendered_frames_keep_the_requested_size() -> None:
    env = FrameObservation(make_real("CartPole-v1", image_size=(20, 30)))
    assert env.observation_space == spaces.Box(0, 255, (20, 30, 3), np.uint8)
    assert env.reset(seed=0)[0].shape == (20, 30, 3)


def test_gymnasiums_checkers_accept_it() -> None:
    check_env(FrameObservation(make_real("CartPole-v1", image_size=(8, 12))), skip_render_check=True)
    envs = SyncVectorEnv(
        [lambda: FrameObservation(make_real(CounterEnv)) for _ in range(3)], autoreset_mode=AutoresetMode.SAME_STEP
    )
    check_vector_env(envs)


def test_anything_but_a_real_env_is_refused() -> None:
    with pytest.raises(TypeError, match="must come from vdworld.envs.make_real"):
        FrameObservation(CounterEnv())
