"""A world whose rewards can be learnt within seconds."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from tests.envs.fake_world import FakeWorld
from vdworld.world import Outcome


class GuessingWorld(FakeWorld):
    """Black or white at random; the reward is 1 for the action that names the colour seen before it, else 0.

    A Box names black by a negative first number. Nothing ends.

    Args:
        action_space: Two choices, or a Box.
        size: Of the square frames; 36 is the smallest that the usual networks take.
    """

    def __init__(self, action_space: gym.Space | None = None, *, size: int = 36) -> None:
        super().__init__(action_space or spaces.Discrete(2))
        self.image_size = (size, size)

    def step(self, state: Any, action: Any, *, num_sampling_steps: int | None = None, **_: Any) -> Any:
        """Judge the guess, and show the next colour."""
        after, outcome = super().step(state, action)
        right = (state.frame[:, 0, 0, 0] > 0) == (self.action_codec.flatten(action)[:, 0] > 0)
        whole = torch.ones(len(right))
        return after, Outcome(outcome.frame, right.float(), whole, whole < 0, after.features, None)

    def _frame(self, seed: Any, count: Any, action: Any) -> Tensor:
        white = np.random.default_rng([int(seed), int(count)]).random() < 0.5
        return torch.full((3, *self.image_size), 1.0 if white else -1.0)
