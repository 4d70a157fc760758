"""Claims about what is not recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from vdworld.data import load_dataset
from vdworld.envs import record
from vdworld.envs.games.scripted import CounterEnv


class FaultyCounter(CounterEnv):
    """Gives a NaN reward in the fourth step of its second episode."""

    num_episodes = 0

    def reset(self, **settings: Any) -> tuple[Any, dict[str, Any]]:
        self.num_episodes, self.step_number = self.num_episodes + 1, 0
        return super().reset(**settings)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(action)
        self.step_number += 1
        faulty = self.num_episodes == 2 and self.step_number == 4
        return observation, float("nan") if faulty else reward, terminated, truncated, info


def test_a_reward_that_is_not_finite_ends_the_recording_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"`rewards` of episode 1 of {tmp_path} must be finite, got nan in row 3"):
        record(FaultyCounter, tmp_path, num_steps=100, max_episode_steps=6, progress=False)
    assert load_dataset(tmp_path).num_steps == 6, "the episodes before are safe"


def test_a_policy_that_returns_nan_is_refused_before_it_acts(tmp_path: Path) -> None:
    def policy(*_: Any) -> Any:
        return float("nan")

    with pytest.raises(ValueError, match=r"`policy` must return finite actions, got \[nan\] in step 0"):
        record(CounterEnv, tmp_path, num_steps=10, policy=policy, progress=False)


@pytest.mark.parametrize("name", ["num_steps", "num_envs"])
def test_counts_must_be_positive(tmp_path: Path, name: str) -> None:
    counts: dict[str, Any] = {"num_steps": 1, name: 0}
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1, got 0"):
        record(CounterEnv, tmp_path, **counts)


def test_an_action_space_without_numbers_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    class Idle(CounterEnv):
        def __init__(self) -> None:
            super().__init__()
            self.action_space: Any = gym.spaces.Dict({})

        def reset(self, **_: Any) -> Any:
            raise AssertionError("played")

    with pytest.raises(ValueError, match=r"`space` must not have an empty part, got Dict\(\)"):
        record(Idle, tmp_path / "data", num_steps=20, progress=False)
    assert not (tmp_path / "data").exists()
