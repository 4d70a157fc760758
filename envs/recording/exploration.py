"""Random actions worth recording: held for a while and smoothed, so that they get somewhere."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from vdworld.spaces import flatten_action, leaf_size, leaves, unflatten_action

_WIDEST = 1e6  # a wider range, or an infinite one, is not meant to be explored from end to end


class Exploration:
    """Explore any action space.

    Continuous numbers move towards a random target, which is held for a random number of steps; discrete ones keep
    their value for a random number of steps. Unbounded numbers take standard normal targets.

    Args:
        hold: Smallest and largest number of steps for which a target is held.
        smoothing: Share of the way to the target that a step leaves out, in [0, 1); 0 jumps.
        noise: Standard deviation of what is added at every step, as a share of the range.
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
        """Return the next action, in the units of ``action_space``; the observation is not looked at."""
        if not self._sources:
            self.reset(action_space, rng)
        return unflatten_action(action_space, np.concatenate([source.next(rng) for source in self._sources]))


class _Continuous:
    """A Box's numbers: all share the moments at which they change their target."""

    def __init__(self, space: spaces.Box, settings: Exploration) -> None:
        low, high = space.low.ravel().astype(np.float64), space.high.ravel().astype(np.float64)
        self.bounded = high - low < _WIDEST
        self.low, self.high = low, high
        self.range = np.where(self.bounded, high - low, 1.0)
        self.whole = np.issubdtype(space.dtype, np.integer)
        self.settings = settings
        self.value: np.ndarray | None = None
        self.target = np.zeros_like(low)
        self.steps_left = 0

    def next(self, rng: np.random.Generator) -> np.ndarray:
        if self.steps_left == 0:
            share = rng.random(len(self.low))
            wild = rng.standard_normal(len(self.low)).clip(self.low, self.high)
            self.target = np.where(self.bounded, np.where(self.bounded, self.low, 0) + share * self.range, wild)
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
    """A choice, or several: all of them change at the same moments."""

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
