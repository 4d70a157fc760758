"""Record with any agent."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from vdworld.agents.agent import Agent
from vdworld.agents.policies import Policy
from vdworld.agents.policies.recorded_policy import RecordedPolicy
from vdworld.agents.predicting_agent import PredictingAgent, Predicts, as_agent
from vdworld.spaces import flat_action_size, flatten_action, frames_to_float, unflatten_action


class RecordedAgent:
    """Adapt an agent to ``vdworld.record(policy=...)``: one episode at a time, without goals and without a past.

    Args:
        agent: An agent, or a policy with the ``predict`` of Stable-Baselines3.
    """

    def __init__(self, agent: Agent | Predicts) -> None:
        self.agent = as_agent(agent)

    def reset(self, action_space: gym.Space, rng: np.random.Generator) -> None:
        """Begin an episode."""
        self.agent.reset(mask=None, seed=int(rng.integers(2**31)), goal=None, context=None)

    def __call__(self, observation: dict[str, Any], action_space: gym.Space, rng: np.random.Generator) -> Any:
        """Return the next action, in the units of ``action_space``.

        Raises:
            ValueError: The agent did not return one action.
        """
        views = observation["frames"]
        if isinstance(self.agent, PredictingAgent):
            self.agent.cameras = tuple(views)
        pixels = torch.from_numpy(np.concatenate(list(views.values()), axis=-1))
        flat = flatten_action(action_space, self.agent.act(frames_to_float(pixels)[None]))
        if flat.shape != (1, flat_action_size(action_space)):
            raise ValueError(f"`act` must return one action of {action_space}, got numbers of shape {flat.shape}.")
        return unflatten_action(action_space, flat[0])


def recorded(agent: Agent | Predicts) -> RecordedAgent | RecordedPolicy:
    """Return an agent as a policy for ``vdworld.record``; a learnt policy observes its readings too."""
    return RecordedPolicy(agent) if isinstance(agent, Policy) else RecordedAgent(agent)
