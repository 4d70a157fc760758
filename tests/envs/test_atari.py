"""Atari as in Atari 100k."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from vdworld.envs import make_real

pytest.importorskip("ale_py")


def played(**kwargs: object) -> tuple[int, set[float]]:
    """Return the length of an episode of random play, and the rewards seen."""
    env = make_real("vdworld/Atari-v0", kwargs={"game": "Breakout", **kwargs}, image_size=(64, 64))
    env.reset(seed=1)
    assert env.frames()["pixels"].shape == (64, 64, 3)
    rng, rewards = np.random.default_rng(0), set()
    for length in range(1, 2_000):
        _, reward, terminated, truncated, _ = env.step(int(rng.integers(4)))
        rewards.add(reward)
        if terminated or truncated:
            return length, rewards
    raise AssertionError("the game goes on")


def test_a_life_lost_ends_an_episode_of_learning_and_not_a_game() -> None:
    life, rewards = played(terminal_on_life_loss=True, clip_rewards=True)
    game, _ = played()
    assert life < game
    assert rewards <= {-1.0, 0.0, 1.0}


def test_it_says_what_is_wrong() -> None:
    with pytest.raises(gym.error.NameNotFound, match="Brakeout"):
        make_real("vdworld/Atari-v0", kwargs={"game": "Brakeout"})
