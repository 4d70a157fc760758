"""Claims about policies behind the interface of Stable-Baselines3: ``predict``."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from tests.agents.policies.recalling import LENGTH, recalling
from tests.envs.fake_world import FakeWorld
from vdworld.agents import Agent, Policy, PredictingAgent, Predicts, as_agent
from vdworld.envs import DreamVectorEnv
from vdworld.spaces import ActionCodec, frames_to_float

PICTURE = spaces.Box(0, 255, (8, 12, 3), np.uint8)
SEVERAL = spaces.Dict({"top": PICTURE, "place": spaces.Box(-np.inf, np.inf, (2,), np.float32)})
ACTIONS = spaces.Dict({"push": spaces.Box(-2.0, 2.0, (2,), np.float32), "tool": spaces.Discrete(3, start=1)})
MEMORIES = [{}, {"recurrent": False, "frame_stack": 3}, {"frame_stack": 2}, {"recurrent": False}]
memories = pytest.mark.parametrize("memory", MEMORIES, ids=["recurrent", "frame stack", "both", "neither"])


def make_policy(space: gym.Space = PICTURE, action_space: gym.Space = ACTIONS, **settings: Any) -> Policy:
    policy = Policy(space, ActionCodec(action_space), hidden_dim=16, **settings)
    torch.nn.init.normal_(policy.network.actor.weight, std=2.0, generator=torch.Generator().manual_seed(0))
    policy.network.requires_grad_(False)
    return policy


def pixels(*leading: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*leading, *PICTURE.shape), np.uint8)


def flat(policy: Policy, actions: Any) -> torch.Tensor:
    return policy.codec.flatten(actions)


@memories
def test_predicting_with_the_state_passed_on_equals_acting(memory: dict[str, Any]) -> None:
    acting, predicting = make_policy(deterministic=True, **memory), make_policy(**memory)
    state = None
    for t in range(4):
        observation = pixels(3, seed=t)
        actions, state = predicting.predict(observation, state, deterministic=True)
        torch.testing.assert_close(flat(predicting, actions), flat(acting, acting.act(observation)))
    assert (state is None) == (memory == {"recurrent": False})


@memories
def test_an_episode_start_equals_a_reset_of_its_lanes(memory: dict[str, Any]) -> None:
    acting, predicting = make_policy(deterministic=True, **memory), make_policy(**memory)
    state = None
    for t, starts in enumerate([[True, True], [False, False], [True, False], [False, False]]):
        observation, episode_start = pixels(2, seed=t), np.array(starts)
        acting.reset(mask=torch.as_tensor(episode_start))
        actions, state = predicting.predict(observation, state, episode_start, deterministic=True)
        torch.testing.assert_close(flat(predicting, actions), flat(acting, acting.act(observation)))


@pytest.mark.parametrize("space", [PICTURE, SEVERAL], ids=["picture", "Dict"])
def test_one_observation_gives_one_action(space: gym.Space) -> None:
    policy = make_policy(space)
    single: Any = pixels() if space is PICTURE else {"top": pixels(), "place": np.ones(2, np.float32)}
    batch = single[None] if space is PICTURE else {name: part[None] for name, part in single.items()}
    for _ in range(2):  # the state has a lane axis either way
        action, state = policy.predict(single, deterministic=True)
        assert ACTIONS.contains(action)
        actions, batch_state = policy.predict(batch, deterministic=True)
        assert flat(policy, actions).tolist() == [flat(policy, action).tolist()]
        assert state is not None
        assert batch_state is not None
        assert [part.shape[0] for part in state] == [part.shape[0] for part in batch_state] == [1, 1, 1]


def test_predicting_leaves_the_state_of_act_alone() -> None:
    alone, interrupted = make_policy(deterministic=True), make_policy(deterministic=True)
    for t in range(3):
        interrupted.predict(pixels(5, seed=9), deterministic=True)
        actions = [policy.act(pixels(2, seed=t)) for policy in (alone, interrupted)]
        torch.testing.assert_close(flat(alone, actions[0]), flat(interrupted, actions[1]))


def test_samples_repeat_after_a_reset_with_the_same_seed_and_differ_between_calls() -> None:
    policy, runs = make_policy(), []
    for seed in (1, 1, 2):
        policy.reset(seed=seed)
        runs.append([flat(policy, policy.predict(pixels(4))[0]) for _ in range(2)])
    assert torch.equal(runs[0][0], runs[1][0])
    assert not torch.equal(runs[0][0], runs[2][0])
    assert not torch.equal(runs[0][0], runs[0][1])


def test_the_returned_state_is_the_callers_own() -> None:
    policy = make_policy()
    _, state = policy.predict(pixels(2), deterministic=True)
    assert state is not None
    copies = [part.copy() for part in state]
    policy.predict(pixels(2, seed=1), state, deterministic=True)
    assert all(np.array_equal(part, copy) for part, copy in zip(state, copies, strict=True))


def test_goals_of_the_last_reset_are_pursued() -> None:
    policy = make_policy(goals=True)
    with pytest.raises(ValueError, match="`goal` must be given to a policy"):
        policy.predict(pixels(2))
    actions = []
    for seed in (1, 2):
        policy.reset(goal=frames_to_float(torch.from_numpy(pixels(2, seed=seed))))
        actions.append(flat(policy, policy.predict(pixels(2), deterministic=True)[0]))
    assert not torch.allclose(*actions)


@pytest.mark.parametrize(
    ("space", "observation"),
    [
        (PICTURE, np.zeros((8, 8, 3), np.uint8)),
        (PICTURE, np.zeros((2, 2, 8, 12, 3), np.uint8)),
        (PICTURE, {"top": np.zeros((8, 12, 3), np.uint8)}),
        (SEVERAL, {"top": np.zeros((8, 12, 3), np.uint8)}),
        (SEVERAL, {"top": np.zeros((1, 8, 12, 3), np.uint8), "place": np.zeros(2)}),
        (SEVERAL, {"top": np.zeros((1, 8, 12, 3), np.uint8), "place": np.zeros((2, 2))}),
    ],
)
def test_observations_of_another_shape_are_refused(space: gym.Space, observation: Any) -> None:
    with pytest.raises(ValueError, match="`observation` must be one observation of .* or a batch of them, got shapes"):
        make_policy(space).predict(observation)


def test_a_state_of_other_lanes_is_refused() -> None:
    policy = make_policy()
    _, state = policy.predict(pixels(2))
    with pytest.raises(ValueError, match="`state` must hold arrays of the shapes .* Pass the state that the last"):
        policy.predict(pixels(3), state)


def test_a_policy_is_an_agent_before_it_is_a_predicting_policy() -> None:
    policy = make_policy()
    assert isinstance(policy, Predicts)
    assert isinstance(policy, Agent)
    assert as_agent(policy) is policy


def test_a_predicting_agent_around_it_acts_as_it_does() -> None:
    wrapped, policy = PredictingAgent(make_policy()), make_policy(deterministic=True)
    for t in range(3):
        observation = torch.from_numpy(pixels(2, seed=t))
        actions = wrapped.act(frames_to_float(observation))
        torch.testing.assert_close(flat(policy, actions), flat(policy, policy.act(observation)))


def test_stable_baselines3_evaluates_it_in_dreams_and_in_real_environments() -> None:
    evaluation = pytest.importorskip("stable_baselines3.common.evaluation")
    from vdworld.envs.integrations.stable_baselines3 import VecEnvAdapter

    settings = {"max_episode_steps": 4, "autoreset_mode": AutoresetMode.SAME_STEP}
    for envs, length in ((DreamVectorEnv(FakeWorld(), 3, **settings), 4), (recalling(3), LENGTH)):
        policy = make_policy(envs.single_observation_space, envs.single_action_space)
        rewards, lengths = evaluation.evaluate_policy(
            policy, VecEnvAdapter(envs), n_eval_episodes=3, return_episode_rewards=True, warn=False
        )
        assert len(rewards) == 3
        assert all(0 < steps <= length for steps in lengths)
