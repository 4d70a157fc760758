"""Claims about every agent: what the protocol says of ``reset`` and ``act``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from tests.envs.random_world import random_world
from vdworld.agents import (
    MPPI,
    Agent,
    CrossEntropy,
    InverseDynamics,
    Planner,
    Policy,
    PolicyGuidedMPPI,
    PredictingAgent,
    VideoPolicy,
)
from vdworld.spaces import ActionCodec
from vdworld.world import WorldModel

LANES = 2
CHOICES = spaces.Discrete(2)


class Constant:
    """A policy of another library."""

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False):
        return np.ones(len(observation), int), None


def policy_for(world: WorldModel) -> Policy:
    pixels = spaces.Box(0, 255, (*world.image_size, 3), np.uint8)
    return Policy(pixels, ActionCodec(CHOICES), hidden_dim=8)


def planner() -> Agent:
    return Planner(random_world(CHOICES), CrossEntropy(horizon=2, num_candidates=8, num_iterations=1))


def policy_guided_planner() -> Agent:
    world = random_world(CHOICES)
    search = MPPI(horizon=2, num_candidates=8, num_iterations=1)
    inner = policy_for(world)
    inner.deterministic = True  # else it would sample from a stream of its own, which the planner does not seed
    return Planner(world, PolicyGuidedMPPI(inner, search, num_proposals=2))


def policy() -> Agent:
    return policy_for(random_world(CHOICES))


def predicting_agent() -> Agent:
    return PredictingAgent(Constant())


def video_policy() -> Agent:
    world = random_world(spaces.Box(-1.0, 1.0, (2,)))
    reader = InverseDynamics(ActionCodec(CHOICES), num_channels=3, image_size=world.image_size, hidden_dim=8)
    agent = VideoPolicy(world, reader, horizon=2)
    agent.follow([0.5, 0.5])  # an instruction outlives resets
    return agent


every_agent = pytest.mark.parametrize(
    "make", [planner, policy_guided_planner, policy, predicting_agent, video_policy], ids=lambda make: make.__name__
)


def frames(seed: int = 0) -> torch.Tensor:
    shape = (LANES, 3, *random_world().image_size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@every_agent
def test_reset_takes_no_arguments_or_those_of_the_protocol(make: Callable[[], Agent]) -> None:
    agent = make()
    assert isinstance(agent, Agent)
    parameters = inspect.signature(agent.reset).parameters
    assert list(parameters) == ["mask", "seed", "goal", "context"]
    assert all(parameter.default is None for parameter in parameters.values())
    agent.reset()
    assert all(CHOICES.contains(action) for action in agent.act(frames()))
    agent.reset()
    assert all(CHOICES.contains(action) for action in agent.act(frames(1)))


@every_agent
def test_a_mask_of_all_lanes_equals_no_mask(make: Callable[[], Agent]) -> None:
    agent, runs = make(), []
    for mask in (None, torch.ones(LANES, dtype=torch.bool)):
        agent.act(frames(1))
        agent.reset(mask=mask, seed=3)
        runs.append([np.asarray(agent.act(frames())) for _ in range(2)])
    np.testing.assert_array_equal(*runs)


@every_agent
def test_a_reset_without_a_seed_continues_the_random_streams_and_with_one_restarts_them(
    make: Callable[[], Agent],
) -> None:
    agent, runs = make(), []
    for _ in range(2):
        agent.reset(seed=3)
        first = np.asarray(agent.act(frames()))
        agent.reset()
        runs.append(np.stack([first, np.asarray(agent.act(frames()))]))
    np.testing.assert_array_equal(*runs)
