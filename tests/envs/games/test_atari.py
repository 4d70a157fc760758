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
    raise AssertionError("the game continues")


def test_a_life_lost_ends_an_episode_of_learning_and_not_a_game() -> None:
    life, rewards = played(terminal_on_life_loss=True, clip_rewards=True)
    game, _ = played()
    assert life < game
    assert rewards <= {-1.0, 0.0, 1.0}


def test_a_crop_shows_the_court_alone_and_larger() -> None:
    env = gym.make("vdworld/Atari-v0", game="Breakout", image_size=36, crop=(53, 8, 144, 144), noop_max=0)
    frame, screen = env.reset(seed=0)[0], env.unwrapped.ale.getScreenRGB()  # pyright: ignore[reportAttributeAccessIssue]
    assert env.observation_space.contains(frame)
    blocks = screen[53:197, 8:152].reshape(36, 4, 36, 4, 3).mean(axis=(1, 3))  # of the very same moment
    assert np.abs(frame - blocks).max() <= 1


def test_fire_reset_begins_with_the_ball_in_play() -> None:
    lives = []
    for fire in (True, False):
        env = gym.make("vdworld/Atari-v0", game="Breakout", terminal_on_life_loss=True, fire_reset=fire, noop_max=0)
        env.reset(seed=0)
        ends = [env.step(0)[2] for _ in range(100)]
        lives.append(ends.index(True) if True in ends else None)
    assert lives[0] is not None  # nobody catches the ball
    assert lives[1] is None  # there is none


def test_it_says_what_is_wrong() -> None:
    for crop in ([0, 0, 211, 10], [0, 0, 10], [-1, 0, 5, 5], [0, 0, 0, 5]):
        with pytest.raises(ValueError, match="within 210 x 160"):
            gym.make("vdworld/Atari-v0", game="Breakout", crop=crop)
    with pytest.raises(ValueError, match="FIRE"):
        gym.make("vdworld/Atari-v0", game="MsPacman", fire_reset=True)
    with pytest.raises(gym.error.NameNotFound, match="Brakeout"):
        make_real("vdworld/Atari-v0", kwargs={"game": "Brakeout"})
