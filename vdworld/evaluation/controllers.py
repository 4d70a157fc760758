"""What selects the actions: an agent, or one of the two baselines that every agent must beat."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from torch import Tensor

from vdworld.agents import Agent, Policy
from vdworld.agents.predicting_agent import PredictingAgent, Predicts, as_agent
from vdworld.envs.tasks import GoalTask
from vdworld.evaluation.lane_actions import lane_actions
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.spaces import leaf_size, leaves, unflatten_action

RANDOM, IDLE = "random", "no-op"
"""The names of the two baselines."""


@runtime_checkable
class Controller(Protocol):
    """Selects an action for every lane."""

    def reset(
        self, lanes: RealLanes, *, seed: int, goal: Tensor | None = None, context: tuple[Tensor, Tensor] | None = None
    ) -> None:
        """Prepare for new episodes in all lanes; arguments as in ``Agent.reset``."""
        ...

    def act(self, lanes: RealLanes) -> list[Any]:
        """Return one native action per lane."""
        ...


class AgentController:
    """An agent, or a policy of another library (see ``as_agent``).

    It observes frames only, except for a ``Policy`` that was trained on other readings too.

    Args:
        agent: The agent.
        name: What errors call it.
    """

    def __init__(self, agent: Agent | Predicts, name: str = "agent") -> None:
        self.agent, self.name = as_agent(agent), name

    def reset(
        self, lanes: RealLanes, *, seed: int, goal: Tensor | None = None, context: tuple[Tensor, Tensor] | None = None
    ) -> None:
        """Reset the agent."""
        if isinstance(self.agent, PredictingAgent):
            self.agent.cameras = lanes.cameras
        self.agent.reset(mask=None, seed=seed, goal=goal, context=context)

    def act(self, lanes: RealLanes) -> list[Any]:
        """Return the actions of the agent, one per lane.

        Raises:
            ValueError: The agent did not return one action per lane.
        """
        return lane_actions(lanes.action_space, self.agent.act(self._observation(lanes)), len(lanes), self.name)

    def _observation(self, lanes: RealLanes) -> Any:
        """Return the frames, and the readings if the agent observes any."""
        if not isinstance(self.agent, Policy) or not self.agent.observer.readings:
            return lanes.frames
        space = self.agent.observation_space
        assert isinstance(space, spaces.Dict)
        observation = lanes.observation({name: spaces.flatdim(space[name]) for name in self.agent.observer.readings})
        if len(lanes.cameras) == 1:  # names of a single camera may differ
            return observation | {self.agent.observer.cameras[0]: observation[lanes.cameras[0]]}
        return observation


class RandomController:
    """Sample every action from the action space, lane i with seed ``seed + i``."""

    def __init__(self) -> None:
        self._spaces: list[gym.Space] = []

    def reset(
        self, lanes: RealLanes, *, seed: int, goal: Tensor | None = None, context: tuple[Tensor, Tensor] | None = None
    ) -> None:
        """Seed one copy of the action space per lane."""
        self._spaces = [copy.deepcopy(lanes.action_space) for _ in range(len(lanes))]
        for i, space in enumerate(self._spaces):
            space.seed(seed + i)

    def act(self, lanes: RealLanes) -> list[Any]:
        """Sample."""
        return [space.sample() for space in self._spaces]


class IdleController:
    """Take the task's idle action (PushT: stay in place), or ``zero_action`` without a task."""

    def __init__(self, task: GoalTask | None = None) -> None:
        self.task = task

    def reset(
        self, lanes: RealLanes, *, seed: int, goal: Tensor | None = None, context: tuple[Tensor, Tensor] | None = None
    ) -> None:
        """Do nothing."""

    def act(self, lanes: RealLanes) -> list[Any]:
        """Return the idle action of every lane."""
        if self.task is None:
            return [zero_action(lanes.action_space)] * len(lanes)
        return [self.task.idle_action(env) for env in lanes.envs]


def zero_action(space: gym.Space) -> Any:
    """Return the native action nearest to zero: zeros clipped to the bounds of a Box, the first discrete choice."""
    parts = []
    for leaf in leaves(space):
        if isinstance(leaf, spaces.Box):
            parts.append(np.clip(0.0, leaf.low, leaf.high).ravel())
        elif isinstance(leaf, spaces.Discrete | spaces.MultiDiscrete):
            parts.append(np.ravel(leaf.start))
        else:
            parts.append(np.zeros(leaf_size(leaf)))
    return unflatten_action(space, np.concatenate(parts))


def with_baselines(agents: Mapping[str, Agent | Predicts], task: GoalTask | None = None) -> dict[str, Controller]:
    """Return the controllers of the agents, then those of the two baselines, ``"random"`` and ``"no-op"``.

    Args:
        agents: Agents by name.
        task: Gives the idle action.

    Raises:
        ValueError: An agent has the name of a baseline.
        TypeError: An agent has neither ``act`` nor ``predict``; see ``vdworld.agents.predicting_agent.as_agent``.
    """
    for name in (RANDOM, IDLE):
        if name in agents:
            raise ValueError(f"`agents` must not use {name!r}, the name of a baseline. Rename that agent.")
    return {
        **{name: AgentController(agent, name) for name, agent in agents.items()},
        RANDOM: RandomController(),
        IDLE: IdleController(task),
    }
