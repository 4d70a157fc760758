"""Claims about checkpoints of learning: interrupted runs resume, and what is not finite never reaches one."""

from __future__ import annotations

import itertools
import signal
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from tests.agents.policies.guessing import DISCRETE, HORIZON, LANES, QUICK, guessing
from tests.envs.random_world import random_world
from vdworld.agents import ActorCritic, Policy
from vdworld.agents.policies.collector import Collector
from vdworld.envs import DreamVectorEnv
from vdworld.spaces import ActionCodec


def test_an_interrupted_run_resumes(tmp_path):
    def stop(step, figures):
        if step == 4 * LANES * HORIZON:
            signal.raise_signal(signal.SIGINT)

    settings: dict[str, Any] = QUICK | {"objective": "ppo", "output": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        ActorCritic.learn(guessing(), num_steps=100_000, report=stop, **settings)
    steps = []
    more: dict[str, Any] = {
        "num_steps": 6 * LANES * HORIZON,
        "resume": True,
        "report": lambda step, figures: steps.append(step),
    }
    policy = ActorCritic.learn(guessing(), **more, **settings)
    assert steps == [5 * LANES * HORIZON, 6 * LANES * HORIZON]
    assert policy.training_info["num_steps"] == 6 * LANES * HORIZON
    again = ActorCritic.learn(guessing(), **more, **settings)
    assert len(steps) == 2, "there is nothing left to do"
    weights = again.network.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in policy.network.state_dict().items())
    settings["hidden_dim"] = 16
    with pytest.raises(ValueError, match="has other settings: hidden_dim 32 -> 16\\. Resume it with its own settings"):
        ActorCritic.learn(guessing(), **more, **settings)


def test_a_resumed_run_says_which_settings_changed_and_records_it(tmp_path, capsys):
    settings: dict[str, Any] = QUICK | {"objective": "ppo", "output": tmp_path}
    ActorCritic.learn(guessing(), num_steps=LANES * HORIZON, **settings)
    more = settings | {"num_steps": 2 * LANES * HORIZON, "learning_rate": 0.5}
    policy = ActorCritic.learn(guessing(), resume=True, **more)
    change = f"learning_rate 0.003 -> 0.5, num_steps {LANES * HORIZON} -> {2 * LANES * HORIZON}"
    assert policy.training_info["changes"] == {f"step {LANES * HORIZON}": change}
    assert change in capsys.readouterr().err


def test_a_checkpoint_holds_all_running_statistics(tmp_path):
    learner = ActorCritic(Policy(guessing().single_observation_space, ActionCodec(DISCRETE), hidden_dim=16))
    rollout = Collector(guessing(), learner.policy).collect(HORIZON)
    learner.update(rollout)
    learner.num_steps = 40
    learner.save(tmp_path)
    other = ActorCritic(Policy(guessing().single_observation_space, ActionCodec(DISCRETE), hidden_dim=16, seed=1))
    other.resume(tmp_path)
    assert other.num_steps == 40
    first, second = (agent.update(rollout) for agent in (learner, other))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


class SpoiledRewards(gym.vector.VectorWrapper):
    """Gives a NaN reward in one step."""

    num_steps = 0

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(actions)
        self.num_steps += 1
        reward = reward * np.nan if self.num_steps == 12 else reward
        return observation, reward, terminated, truncated, info


def test_a_reward_that_is_not_finite_stops_learning_before_the_checkpoint(tmp_path):
    settings = {"hidden_dim": 16, "horizon": 5, "output": tmp_path}
    ActorCritic.learn(guessing(), num_steps=1, **settings)
    before = (tmp_path / "checkpoint/tensors").read_bytes()
    with pytest.raises(FloatingPointError, match=r"Learning stopped at step .* got NaN or infinity in `rewards`"):
        ActorCritic.learn(SpoiledRewards(guessing()), num_steps=10_000, resume=True, **settings)
    assert (tmp_path / "checkpoint/tensors").read_bytes() == before
    assert (tmp_path / "failed_batch.safetensors").exists()


def dreaming(world, num_envs=3, mode=AutoresetMode.SAME_STEP):
    return DreamVectorEnv(world, num_envs, max_episode_steps=7, autoreset_mode=mode, output="torch")


@pytest.mark.parametrize(("mode", "recurrent"), [("SAME_STEP", True), ("NEXT_STEP", False), ("DISABLED", True)])
def test_an_interrupted_run_in_dreams_ends_with_the_weights_of_a_whole_one(tmp_path, mode, recurrent):
    mode = AutoresetMode[mode]
    world = random_world(spaces.Discrete(3))
    settings: dict[str, Any] = {"horizon": 4, "hidden_dim": 8, "objective": "ppo", "recurrent": recurrent}
    settings |= {"num_steps": 6 * 12, "seed": 3}
    whole = ActorCritic.learn(dreaming(world, mode=mode), **settings)

    calls = itertools.count(1)

    def stop(step, figures):
        if next(calls) in (2, 4):
            signal.raise_signal(signal.SIGINT)

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            ActorCritic.learn(dreaming(world, mode=mode), **settings, report=stop, output=tmp_path, resume=True)
    resumed = ActorCritic.learn(dreaming(world, mode=mode), **settings, output=tmp_path, resume=True)
    weights = resumed.network.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in whole.network.state_dict().items())


def test_dreams_of_another_number_of_lanes_begin_anew_and_say_so(tmp_path, capsys):
    world = random_world(spaces.Discrete(3))
    settings: dict[str, Any] = {"horizon": 4, "hidden_dim": 8, "output": tmp_path, "resume": True}

    def stop(step, figures):
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        ActorCritic.learn(dreaming(world), num_steps=100, report=stop, **settings)
    policy = ActorCritic.learn(dreaming(world, num_envs=2), num_steps=20, **settings)
    assert policy.training_info["num_steps"] == 20
    assert "they begin anew" in capsys.readouterr().err
