"""What recorded film ordinarily looks like, and what a dream must look like to have left it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

TAIL = 0.01
"""The share of the data's windows that lies beyond either end of a statistic's range."""

CLEARLY_LESS, NOTHING = 0.9, 0.01
"""Motion below so much of the lower end of its range freezes a dream, and so does this much of its mean or less."""

LEAST_EXCESS = 0.1
"""The share of dreams, beyond the data's own share, from which on a fault is called one."""

CHANCE = 0.01
"""How probable a fault may be by chance alone and still be called one."""


@dataclass(frozen=True)
class DataRange:
    """Statistics of windows of recorded film.

    A dream is *frozen* where it moves clearly less than the stillest hundredth of the windows, or next to nothing, and
    *dissolved* where some other statistic, averaged over a window, lies beyond the range of single frames (or motion
    above that of the windows). By these rules some recorded windows are either as well, many of them where the data
    often stands still; so what counts is whether more dreams than windows are.

    Args:
        windows: Under each statistic's name its value for every frame of every window ``[n, w]``; ``motion`` is one.
        episodes: The episode that each window comes from ``[n]``.
        slack: How far beyond the range a statistic may lie because nobody would see it. 0 where there is no entry.
        one_sided: Statistics for which a low value is no fault.
    """

    windows: Mapping[str, np.ndarray]
    episodes: np.ndarray
    slack: Mapping[str, float] = field(default_factory=dict)
    one_sided: tuple[str, ...] = ("motion",)

    def bounds(self, name: str) -> tuple[float, float]:
        """Return the 1% and the 99% quantile of a statistic, without slack."""
        low, high = np.quantile(self._samples(name), [TAIL, 1 - TAIL])
        return float(low), float(high)

    def unit(self, name: str) -> float:
        """Return a statistic's standard deviation, or its slack if that is larger; at least 1e-6."""
        return max(float(self._samples(name).std()), self.slack.get(name, 0.0), 1e-6)

    def frozen(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return which dreams stand still ``[b]``, given the means ``[b]`` of their statistics over a window."""
        motion = values["motion"]
        return (motion < CLEARLY_LESS * self.bounds("motion")[0]) | (motion <= NOTHING * self.windows["motion"].mean())

    def dissolved(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return which dreams look like no recorded film ``[b]``; standing still is no reason."""
        outside = np.zeros(len(values["motion"]), dtype=bool)
        for name in self.windows:
            low, high = self.bounds(name)
            slack = self.slack.get(name, 0.0)
            outside |= ~(values[name] <= high + slack)  # so that NaN lies outside
            if name not in self.one_sided:
                outside |= values[name] < low - slack
        return outside

    def own(self, fault: str) -> np.ndarray:
        """Return which of the windows are ``"frozen"`` or ``"dissolved"`` themselves ``[n]``.

        Each is judged by the other half of the episodes, as a dream is judged by film that it is not part of; a single
        episode's windows are halved.
        """
        numbers, rank = np.unique(self.episodes, return_inverse=True)
        half = (rank if len(numbers) > 1 else np.arange(len(rank))) % 2 == 0
        found = np.zeros(len(half), dtype=bool)
        for part in (half, ~half):
            others = DataRange(self._only(~part), self.episodes[~part], self.slack, self.one_sided)
            found[part] = getattr(others, fault)({name: w.mean(axis=1) for name, w in self._only(part).items()})
        return found

    def exceeds_chance(self, fault: str, values: Mapping[str, np.ndarray]) -> bool:
        """Tell whether a fault befalls more of the dreams with these statistics than recorded film lets expect.

        That is, whether those that it befalls beyond its share of the windows come to more than ``LEAST_EXCESS`` of the
        rest, and would by chance in fewer than ``CHANCE`` of all trials (Fisher's exact test, one-sided).
        """
        dreams, windows = getattr(self, fault)(values), self.own(fault)
        rate = windows.mean()
        if rate == 1 or (dreams.mean() - rate) / (1 - rate) <= LEAST_EXCESS:
            return False
        return chance(int(dreams.sum()), len(dreams), int(windows.sum()), len(windows)) < CHANCE

    def _samples(self, name: str) -> np.ndarray:
        """Return what a range is taken from: a still frame is no longer film, so motion is averaged over windows."""
        return self.windows[name].mean(axis=1) if name == "motion" else self.windows[name]

    def _only(self, chosen: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values[chosen] for name, values in self.windows.items()}


def chance(first: int, num_first: int, second: int, num_second: int) -> float:
    """Return how probable it is that a fault befalls `first` or more of the first sample, if it picks blindly.

    `num_first` and `num_second` are the sizes of two samples, `first` and `second` how many in each it befell (Fisher
    1934: hypergeometric tail).
    """
    faults = first + second
    ways = [
        math.comb(num_first, k) * math.comb(num_second, faults - k) for k in range(first, min(faults, num_first) + 1)
    ]
    return sum(ways) / math.comb(num_first + num_second, faults)
