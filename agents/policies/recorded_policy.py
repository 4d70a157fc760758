"""Record with a learnt policy."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.agents.checks import check_shares
from vdworld.agents.policies.policy import Policy
from vdworld.envs.frame_spaces import strip_prefix
from vdworld.spaces import flatten_action, unflatten_action


class RecordedPolicy:
    """Adapt a policy to ``vdworld.record(policy=...)``, with epsilon-greedy exploration.

    Args:
        policy: The policy that acts, in one episode at a time.
        epsilon: Share of actions that are sampled from the action space instead, in [0, 1].

    Raises:
        ValueError: `epsilon` is out of range.
    """

    def __init__(self, policy: Policy, epsilon: float = 0.0) -> None:
        check_shares(epsilon=epsilon)
        self.policy, self.epsilon = policy, epsilon

    def reset(self, action_space: gym.Space, rng: np.random.Generator) -> None:
        """Begin an episode."""
        self.policy.reset(seed=int(rng.integers(2**31)))

    def __call__(self, observation: dict[str, Any], action_space: gym.Space, rng: np.random.Generator) -> Any:
        """Return the next action, in the units of ``action_space``."""
        flat = flatten_action(action_space, self.policy.act(self._batch_of_one(observation)))[0]
        if rng.random() < self.epsilon:
            flat = flatten_action(action_space, action_space.sample())
            self.policy.replace_last_action(flat[None])
        return unflatten_action(action_space, flat)

    def _batch_of_one(self, observation: dict[str, Any]) -> Any:
        """Return what the policy would observe in a dream."""
        frames, observer = observation["frames"], self.policy.observer
        if not isinstance(observer.space, gym.spaces.Dict):
            return next(iter(frames.values()))[None]
        recorded = {strip_prefix(name): values for name, values in observation["state"].items()}
        unknown = {name: np.full(observer.space[name].shape or (), np.nan, np.float32) for name in observer.readings}
        readings = {name: np.asarray(recorded.get(name, unknown[name]), np.float32) for name in observer.readings}
        pictures = {name: frames[name] for name in observer.cameras}
        return {name: part[None] for name, part in (pictures | readings).items()}
