"""Exploration of PushT that touches the block; uniformly random targets leave it alone most of the time."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

AGENT, BLOCK = "info.pos_agent", "info.block_pose"


class ContactExploration:
    """A policy that moves the agent to random targets, many of them behind the block.

    A share of the targets is beyond the block as seen from the agent. They scatter around the line through it, so that
    the agent pushes the block off centre as often as through the centre. The other targets are uniform on the table.
    The commands move to the target in a straight line, with noise.

    Args:
        contact: Share of the targets that are beyond the block, in [0, 1].
        hold: Smallest and largest number of steps to reach a target.
        scatter: Standard deviation of the targets around the line through the block, in px of the 512 px table.
        reach: Largest distance of a target beyond the block, in px.
        noise: Standard deviation of the noise added at every step, in px.

    Raises:
        ValueError: `contact` is out of range.
    """

    def __init__(
        self,
        contact: float = 0.7,
        *,
        hold: tuple[int, int] = (3, 9),
        scatter: float = 40.0,
        reach: float = 120.0,
        noise: float = 8.0,
    ) -> None:
        if not 0 <= contact <= 1:
            raise ValueError(f"`contact` must lie in [0, 1], got {contact}.")
        self.contact, self.hold, self.scatter, self.reach = contact, hold, scatter, reach
        self.noise = noise
        self._command: np.ndarray | None = None
        self._target, self._steps_left = np.zeros(2), 0

    def reset(self, action_space: gym.Space, rng: np.random.Generator) -> None:
        """Begin an episode: forget the target."""
        self._command, self._steps_left = None, 0

    def __call__(self, observation: dict[str, Any], action_space: gym.Space, rng: np.random.Generator) -> np.ndarray:
        """Return the next action, a target position ``[2]`` in px.

        Args:
            observation: Its entry ``state`` must hold the positions of agent and block.
            action_space: Unused.
            rng: Decides targets and noise.

        Raises:
            ValueError: `observation` lacks PushT's state.
        """
        state = observation["state"]
        if AGENT not in state or BLOCK not in state:
            raise ValueError(f"`observation` must hold {AGENT} and {BLOCK} as PushT's does, got {sorted(state)}.")
        agent: np.ndarray = state[AGENT].astype(np.float64)
        block: np.ndarray = state[BLOCK][:2].astype(np.float64)
        if self._command is None:
            self._command = agent
        if self._steps_left == 0:
            self._target = self._draw_target(agent, block, rng)
            self._steps_left = int(rng.integers(self.hold[0], self.hold[1] + 1))
        self._command = self._command + (self._target - self._command) / self._steps_left
        self._steps_left -= 1
        return np.clip(self._command + rng.normal(0, self.noise, 2), 0, 512).astype(np.float32)

    def _draw_target(self, agent: np.ndarray, block: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() >= self.contact:
            return rng.uniform(15, 497, 2)
        direction = (block - agent) / max(float(np.linalg.norm(block - agent)), 1e-6)
        beyond = block + direction * rng.uniform(0, self.reach) + rng.normal(0, self.scatter, 2)
        return np.clip(beyond, 15, 497)
