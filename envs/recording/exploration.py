"""Exploration for recordings: random actions, held and smoothed so that they have an effect."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from vdworld.space_leaves import scale_bounds
from vdworld.spaces import flatten_action, leaf_size, leaves, unflatten_action


class Exploration:
    """A random policy for any action space.

    Continuous numbers move towards a random target, which is held for a random number of steps. Discrete ones keep
    their value for a random number of steps. Unbounded numbers have standard normal targets.

    Args:
        hold: Smallest and largest number of steps for which a target is held.
        smoothing: Share of the distance to the target that remains after a step, in [0, 1); 0 jumps to the target.
        noise: Standard deviation of the noise added at every step, as a share of the range.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(self, *, hold: tuple[int, int] = (1, 12), smoothing: float = 0.5, noise: float = 0.02) -> None:
        if not 1 <= hold[0] <= hold[1]:
            raise ValueError(f"`hold` must be two numbers of steps with 1 <= first <= second, got {hold}.")
        if not 0 <= smoothing < 1:
            raise ValueError(f"`smoothing` must be at least 0 and below 1, got {smoothing}.")
        if noise < 0:
            raise ValueError(f"`noise` must not be negative, got {noise}.")
        self.hold = hold
        self.smoothing = smoothing
        self.noise = noise
        self._sources: list[_Continuous | _Discrete] = []

    def reset(self, action_space: gym.Space, rng: np.random.Generator) -> None:
        """Begin an episode: forget the targets."""
        self._sources = [
            _Continuous(leaf, self) if isinstance(leaf, spaces.Box) else _Discrete(leaf, self)
            for leaf in leaves(action_space)
        ]

    def __call__(self, observation: Any, action_space: gym.Space, rng: np.random.Generator) -> Any:
        """Return the next action, in the units of ``action_space``; the observation is not used."""
        if not self._sources:
            self.reset(action_space, rng)
        return unflatten_action(action_space, np.concatenate([source.next(rng) for source in self._sources]))


class _Continuous:
    """The numbers of a Box, which all change their targets at the same steps."""

    def __init__(self, space: spaces.Box, settings: Exploration) -> None:
        low, high = space.low.ravel().astype(np.float64), space.high.ravel().astype(np.float64)
        self.bounded = np.isfinite(scale_bounds(space)).all(axis=1)  # wider ranges are not explored from end to end
        self.low, self.high = low, high
        self.range = np.subtract(high, low, out=np.ones_like(low), where=self.bounded)
        self.whole = np.issubdtype(space.dtype, np.integer)
        self.settings = settings
        self.value: np.ndarray | None = None
        self.target = np.zeros_like(low)
        self.steps_left = 0

    def next(self, rng: np.random.Generator) -> np.ndarray:
        if self.steps_left == 0:
            share = rng.random(len(self.low))
            unbounded = rng.standard_normal(len(self.low)).clip(self.low, self.high)
            self.target = np.where(self.bounded, np.where(self.bounded, self.low, 0) + share * self.range, unbounded)
            self.steps_left = int(rng.integers(self.settings.hold[0], self.settings.hold[1] + 1))
        self.steps_left -= 1
        if self.value is None:
            self.value = self.target
        keep = self.settings.smoothing
        self.value = (keep * self.value + (1 - keep) * self.target).clip(self.low, self.high)
        noisy = self.value + self.settings.noise * self.range * rng.standard_normal(len(self.low))
        noisy = noisy.clip(self.low, self.high)
        return np.rint(noisy) if self.whole else noisy


class _Discrete:
    """One or several discrete choices, which all change at the same steps."""

    def __init__(self, space: gym.Space, settings: Exploration) -> None:
        self.space = space
        self.settings = settings
        self.value = np.zeros(leaf_size(space))
        self.steps_left = 0

    def next(self, rng: np.random.Generator) -> np.ndarray:
        if self.steps_left == 0:
            self.space.seed(int(rng.integers(2**31)))
            self.value = flatten_action(self.space, self.space.sample())
            self.steps_left = int(rng.integers(self.settings.hold[0], self.settings.hold[1] + 1))
        self.steps_left -= 1
        return self.value
