"""Stable-Baselines3's PPO learns in dreams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tests.envs import fake_world
from tests.envs.fake_world import FakeWorld
from tests.envs.guessing_world import GuessingWorld
from vdworld.envs import DreamVectorEnv

sb3 = pytest.importorskip("stable_baselines3")

from stable_baselines3.common.evaluation import evaluate_policy  # noqa: E402
from stable_baselines3.common.vec_env import VecMonitor  # noqa: E402

from vdworld.envs.integrations.stable_baselines3 import VecEnvAdapter  # noqa: E402


def dreams(world: FakeWorld | GuessingWorld, num_envs: int, limit: int) -> VecMonitor:
    envs = DreamVectorEnv(world, num_envs, max_episode_steps=limit, autoreset_mode=AutoresetMode.SAME_STEP)
    return VecMonitor(VecEnvAdapter(envs))


@pytest.mark.parametrize("cameras", [("image",), ("top", "wrist")])
def test_ppo_learns_in_dreams_of_one_camera_or_several(monkeypatch: Any, cameras: tuple[str, ...]) -> None:
    monkeypatch.setattr(fake_world, "HEIGHT", 36)
    monkeypatch.setattr(fake_world, "WIDTH", 40)
    envs = dreams(FakeWorld(cameras=cameras), num_envs=2, limit=5)
    policy = "CnnPolicy" if len(cameras) == 1 else "MultiInputPolicy"
    model = sb3.PPO(policy, envs, n_steps=8, batch_size=8, n_epochs=1, seed=0, device="cpu").learn(16)
    assert model.num_timesteps == 16
    assert envs.episode_count >= 4
    mean_return, _ = evaluate_policy(model, envs, n_eval_episodes=2)
    assert np.isfinite(mean_return)


@pytest.mark.slow
def test_ppo_learns_what_a_dream_rewards() -> None:
    envs = dreams(GuessingWorld(), num_envs=8, limit=16)
    model = sb3.PPO("CnnPolicy", envs, n_steps=32, batch_size=64, gamma=0.0, seed=0, device="cpu")
    before: Any = evaluate_policy(model, envs, n_eval_episodes=16, deterministic=False)
    model.learn(2_048)
    after: Any = evaluate_policy(model, envs, n_eval_episodes=16, deterministic=False)
    assert before[0] < 11  # of 16; guessing gives 8
    assert after[0] > 13  # three seeds gave 15.9 or more
