"""Claims about examples/06_ppo_single_file.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from tests.envs.guessing_world import GuessingWorld
from tests.examples.learning_examples import dreamt_pusht, import_example, run_example
from vdworld.envs import DreamVectorEnv

NAME, TINY = "06_ppo_single_file.py", ["--num-envs", "2", "--num-updates", "2", "--rollout", "4"]


@pytest.fixture(scope="module")
def example() -> SimpleNamespace:
    return SimpleNamespace(**import_example(NAME))


@pytest.mark.parametrize("real", [True, False])
def test_the_same_script_learns_in_the_real_environment_and_in_a_dream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], real: bool
) -> None:
    if real:
        pytest.importorskip("gym_pusht")
    world = "real" if real else dreamt_pusht(tmp_path / "world", monkeypatch, size=32)
    run_example(NAME, monkeypatch, "--env", world, *TINY)
    assert capsys.readouterr().out.count("mean reward") == 2


class Counter(gym.Env):
    """Every pixel is the number of the step; the reward is 1; the episode ends at step 3."""

    observation_space, action_space = spaces.Box(0, 255, (24, 24, 3), np.uint8), spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.count = 0
        return self.picture(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.count += 1
        return self.picture(), 1.0, self.count == 3, False, {}

    def picture(self) -> np.ndarray:
        return np.full((24, 24, 3), self.count, np.uint8)


class Valuer:
    """Acts at random; the value of a picture is ten times its step."""

    def __call__(self, pixels: Any) -> tuple[Any, torch.Tensor]:
        count = torch.as_tensor(pixels)[:, 0, 0, 0].float()
        return torch.distributions.Categorical(logits=torch.zeros(len(count), 2)), 10 * count

    def native(self, actions: torch.Tensor) -> np.ndarray:
        return actions.numpy()


def test_only_truncated_episodes_are_bootstrapped(example: SimpleNamespace) -> None:
    limits = (2, 3)  # lane 0 is cut off at step 2; lane 1 ends at step 3, at the very limit
    makers = [lambda limit=limit: gym.wrappers.TimeLimit(Counter(), limit) for limit in limits]
    envs = SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    rollout, last = example.collect(envs, Valuer(), envs.reset()[0], 4, gamma=0.99)
    assert rollout["observation"][:, :, 0, 0, 0].tolist() == [[0, 0], [1, 1], [0, 2], [1, 0]]
    assert last[:, 0, 0, 0].tolist() == [0, 1]
    assert rollout["ended"].tolist() == [[False, False], [True, False], [False, True], [True, False]]
    assert rollout["reward"].tolist() == [[1.0, 1.0]] * 4
    bootstrapped = 1 + 0.99 * 20
    torch.testing.assert_close(
        rollout["target"], torch.tensor([[1.0, 1.0], [bootstrapped, 1.0], [1.0, 1.0], [bootstrapped, 1.0]])
    )
    # Worked by hand, with gamma .99 and lambda .95: delta = target + .99 * next value (0 over an end) - value.
    advantage = example.advantages(rollout, Valuer()(last)[1], gamma=0.99)
    left = [1 + 0.99 * 10 - 0, bootstrapped - 10]
    right = [1 + 0.99 * 10 - 0, 1 + 0.99 * 20 - 10, 1 - 20, 1 + 0.99 * 10 - 0]
    decay = 0.99 * 0.95
    expected = [
        [left[0] + decay * left[1], right[0] + decay * (right[1] + decay * right[2])],
        [left[1], right[1] + decay * right[2]],
        [left[0] + decay * left[1], right[2]],
        [left[1], right[3]],
    ]
    torch.testing.assert_close(advantage, torch.tensor(expected))


@pytest.mark.parametrize("space", [spaces.Discrete(2), spaces.Box(-2.0, 2.0, (1,), np.float32)])
def test_it_learns_what_a_dream_rewards(
    example: SimpleNamespace, capsys: pytest.CaptureFixture[str], space: gym.Space
) -> None:
    world = GuessingWorld(space, size=16)
    envs = DreamVectorEnv(world, 8, max_episode_steps=16, autoreset_mode=AutoresetMode.SAME_STEP)
    example.learn(envs, num_updates=12, num_steps=32, gamma=0.9, learning_rate=1e-3)
    rewards = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert rewards[0] < 0.65  # guessing gives .5
    assert max(rewards[-3:]) > 0.8


def test_actions_fill_the_box_and_never_leave_it(example: SimpleNamespace) -> None:
    box = spaces.Box(np.array([0.0, -0.3], np.float32), np.array([512.0, 0.7], np.float32))
    learner = example.ActorCritic(box)
    native = learner.native(torch.tensor([[-5.0, 5.0], [1.0, -1.0], [0.0, 0.0]]))
    np.testing.assert_allclose(native, [[0.0, 0.7], [512.0, -0.3], [256.0, 0.2]], rtol=1e-6)
    assert all(box.contains(action) for action in native)
