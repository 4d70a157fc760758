from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch

from vdworld.agents import Policy
from vdworld.envs.real.real_env import make_real
from vdworld.envs.real.wrappers import FrameObservation
from vdworld.evaluation.controllers import (
    AgentController,
    IdleController,
    RandomController,
    with_baselines,
    zero_action,
)
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.spaces import ActionCodec

BOX = gym.spaces.Box(-1, 1, (2,), np.float32)


class Fixed:
    """Always the same answer."""

    def __init__(self, answer) -> None:
        self.answer = answer

    def reset(self, mask=None, seed=None, goal=None, context=None) -> None:
        self.seed, self.goal, self.context = seed, goal, context

    def act(self, observation):
        return self.answer


@pytest.fixture
def lanes(belt) -> RealLanes:
    lanes = RealLanes([make_real(belt) for _ in range(3)], ["pixels"])
    lanes.reset([0, 1, 2])
    return lanes


def test_random_actions_repeat_and_differ_between_lanes(lanes) -> None:
    controller = RandomController()
    draws = []
    for seed in (0, 0, 1):
        controller.reset(lanes, seed=seed)
        draws.append(np.array([controller.act(lanes) for _ in range(20)]))
    np.testing.assert_array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws[0][:, 1], draws[2][:, 0])  # lane i draws with seed + i
    assert (draws[0][:, 0] != draws[0][:, 1]).any()


@pytest.mark.parametrize("answer", [torch.tensor([0, 1, 2]), np.array([0, 1, 2]), [0, 1, 2]])
def test_an_agents_batch_is_split_into_native_actions(lanes, answer) -> None:
    actions = AgentController(Fixed(answer)).act(lanes)
    assert [int(a) for a in actions] == [0, 1, 2]
    assert all(lanes.action_space.contains(a) for a in actions)


@pytest.mark.parametrize("answer", [np.array([0, 1]), np.array(1)])
def test_an_agent_must_answer_for_every_lane(lanes, answer) -> None:
    with pytest.raises(
        ValueError, match=r"`act` of 'mine' must return one action of Discrete\(3\) for each of 3 lanes"
    ):
        AgentController(Fixed(answer), "mine").act(lanes)


def test_an_agent_receives_seed_goal_and_context(lanes) -> None:
    agent = Fixed(None)
    goal, context = lanes.frames, (lanes.frames[:, None], torch.zeros(3, 0, 1))
    AgentController(agent).reset(lanes, seed=7, goal=goal, context=context)
    assert (agent.seed, agent.goal, agent.context) == (7, goal, context)


def test_without_a_task_the_idle_action_is_the_one_nearest_to_zero(lanes) -> None:
    assert IdleController().act(lanes) == [0, 0, 0]


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (BOX, [0, 0]),
        (gym.spaces.Box(np.array([1, -3], np.float32), np.array([2, -1], np.float32)), [1, -1]),
        (gym.spaces.Discrete(3, start=2), 2),
        (gym.spaces.MultiDiscrete([2, 3]), [0, 0]),
        (gym.spaces.MultiBinary(3), [0, 0, 0]),
    ],
)
def test_the_zero_action_is_in_its_space(space, expected) -> None:
    action = zero_action(space)
    assert space.contains(action)
    np.testing.assert_array_equal(action, expected)


def test_the_zero_action_of_a_tree_is_a_tree() -> None:
    space = gym.spaces.Dict(move=BOX, hands=gym.spaces.Tuple([gym.spaces.Discrete(2), BOX]))
    assert space.contains(zero_action(space))


def test_baselines_follow_the_agents_and_their_names_are_reserved() -> None:
    assert list(with_baselines({"mine": Fixed(None)})) == ["mine", "random", "no-op"]
    with pytest.raises(ValueError, match="`agents` must not use 'random', the name of a baseline"):
        with_baselines({"random": Fixed(None)})


class Placed(gym.Env):
    """Black pictures, and a number, which alone determines the right action."""

    metadata = {"render_modes": []}
    action_space = gym.spaces.Discrete(2)
    picture = gym.spaces.Box(0, 255, (16, 16, 3), np.uint8)
    observation_space = gym.spaces.Dict(pixels=picture, place=gym.spaces.Box(-1, 1, (1,), np.float32))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.choice([-1.0, 1.0])
        return self.observed(), {}

    def step(self, action):
        return self.observed(), 0.0, False, False, {}

    def observed(self):
        return {"pixels": np.zeros((16, 16, 3), np.uint8), "place": np.array([self.place], np.float32)}


def test_a_policy_with_readings_observes_them_as_from_frame_observation() -> None:
    lanes = RealLanes([make_real(Placed) for _ in range(6)], ["pixels"])
    lanes.reset(range(6))
    wrapped = FrameObservation(make_real(Placed), ["observation.place"])
    policy = Policy(wrapped.observation_space, ActionCodec(Placed.action_space), deterministic=True, hidden_dim=16)
    torch.nn.init.normal_(policy.network.actor.weight, generator=torch.Generator().manual_seed(0))
    observed = []
    read = policy.observer.read
    policy.observer.read = lambda observation, device: observed.append(observation) or read(observation, device)  # pyright: ignore
    AgentController(policy).act(lanes)
    expected = wrapped.reset(seed=3)[0]
    assert set(observed[0]) == set(expected) == {"pixels", "place"}
    np.testing.assert_array_equal(observed[0]["place"][3], expected["place"])
    np.testing.assert_array_equal(observed[0]["pixels"][3], expected["pixels"])
