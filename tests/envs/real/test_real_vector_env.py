"""Real environments side by side."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from vdworld.envs.games.scripted import CounterEnv
from vdworld.envs.real.real_vector_env import make_real_vec


def test_they_look_like_dreams_and_are_reset_in_the_same_step() -> None:
    envs = make_real_vec(CounterEnv, 2, image_size=(4, 4))
    assert envs.single_observation_space.shape == (4, 4, 3)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    envs.reset(seed=0)
    for _ in range(40):
        observation, _, terminated, _, info = envs.step(np.array([4, 4]))
        if terminated.any():
            lane = int(np.flatnonzero(terminated)[0])
            assert observation[lane, 0, 0, 0] == 0  # red counts the steps
            assert info["final_obs"][lane][0, 0, 0] > 0
            break
    else:
        pytest.fail("no episode ended")


def test_it_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="`num_envs` must be at least 1"):
        make_real_vec(CounterEnv, 0)
