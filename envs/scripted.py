"""Small environments whose every number can be worked out by hand, for tests and first experiments."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

NUM_ACTIONS = 5


class CounterEnv(gym.Env):
    """A counter that shows everything: the proof that frames, actions and rewards are aligned.

    The frame's red is the number of steps taken, its green the sum of the actions so far, its blue the last action,
    each modulo 256. From sum s, action a at step t earns ``100 t + 10 s + a``. The episode terminates once the sum
    reaches `limit`.

    Args:
        limit: The sum that ends the episode.
        size: Side of the frame in pixels.
    """

    metadata = {"render_modes": [], "render_fps": 20}

    def __init__(self, limit: int = 60, size: int = 8) -> None:
        self.limit = limit
        self.size = size
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = spaces.Discrete(NUM_ACTIONS)
        self.render_mode = None
        self._num_steps = self._sum = self._last = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin with a random sum from 0 to 9."""
        super().reset(seed=seed)
        self._num_steps, self._last = 0, 0
        self._sum = int(self.np_random.integers(10))
        return self._picture(), {"sum": self._sum}

    def step(self, action: int | np.integer) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Add the action to the sum."""
        reward = 100.0 * self._num_steps + 10.0 * self._sum + int(action)
        self._num_steps, self._last, self._sum = self._num_steps + 1, int(action), self._sum + int(action)
        return self._picture(), reward, self._sum >= self.limit, False, {"sum": self._sum, "doubled": 2 * self._sum}

    def _picture(self) -> np.ndarray:
        colour = np.array([self._num_steps, self._sum, self._last]) % 256
        return np.broadcast_to(colour.astype(np.uint8), (self.size, self.size, 3)).copy()
