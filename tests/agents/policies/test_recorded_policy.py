"""Claims about learnt policies that act in recordings."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from vdworld.agents import Policy
from vdworld.agents.policies.recorded_policy import RecordedPolicy
from vdworld.data import load_dataset
from vdworld.envs import record
from vdworld.envs.games.scripted import CounterEnv
from vdworld.spaces import ActionCodec

PICTURE = spaces.Box(0, 255, (8, 8, 3), np.uint8)
DICT = spaces.Dict({"turn": spaces.Box(-2.0, 2.0, (2,), np.float32), "tool": spaces.Discrete(3, start=1)})


def test_it_acts_as_the_policy_does_on_the_same_frames(tmp_path):
    policy = Policy(PICTURE, ActionCodec(spaces.Discrete(5)), hidden_dim=8)
    record(CounterEnv, tmp_path, num_steps=20, num_envs=1, policy=RecordedPolicy(policy), max_episode_steps=20)
    episode = load_dataset(tmp_path)[0]
    frames = torch.as_tensor(np.asarray(episode.frames["pixels"]))
    _, policy_seed = np.random.SeedSequence([0, 0]).generate_state(2) % 2**31
    policy.reset(seed=int(np.random.default_rng(policy_seed).integers(2**31)))
    expected = [int(policy.act(frame[None])[0]) for frame in frames[:-1]]
    assert [int(action) for action in np.ravel(episode.actions)] == expected
    assert len(set(expected)) > 1


def test_a_random_action_replaces_the_policys_own_in_its_state():
    policy = Policy(PICTURE, ActionCodec(DICT), hidden_dim=8)
    acting, rng = RecordedPolicy(policy, epsilon=1.0), np.random.default_rng(0)
    DICT.seed(3)
    acting.reset(DICT, rng)
    observation = {"frames": {"observation": np.zeros((8, 8, 3), np.uint8)}, "state": {}}
    action = acting(observation, DICT, rng)
    assert DICT.contains(action)
    encoded = policy.codec.encode({name: torch.as_tensor(part)[None] for name, part in action.items()})
    assert policy._state is not None
    assert torch.allclose(policy._state.previous_actions, encoded.float())


def test_readings_are_observed_as_in_dreams():
    space = spaces.Dict({"top": PICTURE, "place": spaces.Box(-np.inf, np.inf, (2,), np.float32)})
    policy = Policy(space, ActionCodec(spaces.Discrete(2)), hidden_dim=8)
    batch = RecordedPolicy(policy)._batch_of_one(
        {
            "frames": {"top": np.ones((8, 8, 3), np.uint8)},
            "state": {"observation.place": np.array([1.0, 2.0]), "info.score": np.zeros(1)},
        }
    )
    assert set(batch) == {"top", "place"}
    assert batch["place"].tolist() == [[1.0, 2.0]]
    unknown = RecordedPolicy(policy)._batch_of_one({"frames": {"top": np.ones((8, 8, 3), np.uint8)}, "state": {}})
    assert np.isnan(unknown["place"]).all()


def test_an_epsilon_out_of_range_is_refused():
    with pytest.raises(ValueError, match="`epsilon` must lie in"):
        RecordedPolicy(Policy(PICTURE, ActionCodec(spaces.Discrete(2)), hidden_dim=8), epsilon=2)


def test_the_last_episode_may_be_finished(tmp_path):
    settings: dict[str, Any] = {"num_steps": 10, "num_envs": 1, "max_episode_steps": 8}
    assert record(CounterEnv, tmp_path / "cut", **settings).num_steps == 10
    whole = record(CounterEnv, tmp_path / "whole", cut=False, **settings)
    assert whole.num_steps > 10
    assert whole[len(whole) - 1].truncated[-1] or whole[len(whole) - 1].terminated[-1]
    assert isinstance(CounterEnv(), gym.Env)
