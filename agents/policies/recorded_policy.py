"""Let a learnt policy act where ``vdworld.record`` asks for actions."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.agents.policies.policy import Policy
from vdworld.envs.frame_spaces import strip_prefix
from vdworld.spaces import flatten_action, unflatten_action


class RecordedPolicy:
    """What ``vdworld.record(policy=...)`` takes: a policy that acts, and now and then a random action.

    Args:
        policy: Who acts, one episode at a time.
        epsilon: Share of actions that are drawn at random instead, in [0, 1].

    Raises:
        ValueError: `epsilon` out of range.
    """

    def __init__(self, policy: Policy, epsilon: float = 0.0) -> None:
        if not 0 <= epsilon <= 1:
            raise ValueError(f"`epsilon` must lie in [0, 1], got {epsilon}.")
        self.policy, self.epsilon = policy, epsilon

    def reset(self, action_space: gym.Space, rng: np.random.Generator) -> None:
        """Begin an episode."""
        self.policy.reset(seed=int(rng.integers(2**31)))

    def __call__(self, observation: dict[str, Any], action_space: gym.Space, rng: np.random.Generator) -> Any:
        """Return the next action, in the units of ``action_space``."""
        chosen = flatten_action(action_space, self.policy.act(self._batch_of_one(observation)))[0]
        if rng.random() < self.epsilon:
            chosen = flatten_action(action_space, action_space.sample())
            self.policy.correct(chosen[None])
        return unflatten_action(action_space, chosen)

    def _batch_of_one(self, observation: dict[str, Any]) -> Any:
        """Return what the policy would see in a dream."""
        frames, observer = observation["frames"], self.policy.observer
        if not isinstance(observer.space, gym.spaces.Dict):
            return next(iter(frames.values()))[None]
        told = {strip_prefix(name): values for name, values in observation["state"].items()}
        unknown = {name: np.full(observer.space[name].shape, np.nan, np.float32) for name in observer.readings}
        read = {name: np.asarray(told.get(name, unknown[name]), np.float32) for name in observer.readings}
        return {name: part[None] for name, part in ({name: frames[name] for name in observer.cameras} | read).items()}
