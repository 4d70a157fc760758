"""A real environment that takes memory, and a batch of it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

SIZE, LENGTH = 8, 10


class Recalling(gym.Env[np.ndarray, np.int64]):
    """Black or white at random; the reward is 1 for naming the colour shown one step *before* the one that is seen."""

    observation_space = spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.before, self.now = -1, int(self.np_random.integers(2))
        return self._picture(), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict]:
        reward = float(action == self.before)
        self.before, self.now = self.now, int(self.np_random.integers(2))
        return self._picture(), reward, False, False, {}

    def _picture(self) -> np.ndarray:
        return np.full((SIZE, SIZE, 3), 255 * self.now, np.uint8)


def recalling(num_envs: int) -> SyncVectorEnv:
    """Episodes of ten steps; the first of each earns nothing, so that guessing earns 0.45 and remembering 0.9."""
    make = [lambda: gym.wrappers.TimeLimit(Recalling(), LENGTH)] * num_envs
    return SyncVectorEnv(make, autoreset_mode=AutoresetMode.SAME_STEP)
