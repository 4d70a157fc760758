"""The range of recorded frames, and when an imagined video counts as frozen or dissolved."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

TAIL = 0.01
"""Share of the recorded values beyond either end of a statistic's range."""

FROZEN_RANGE_SHARE, FROZEN_MEAN_SHARE = 0.9, 0.01
"""A dream is frozen if its motion is below this share of the range's lower end, or at most this share of the mean."""

MIN_EXCESS = 0.1
"""Share of dreams, beyond the share of recorded windows, above which a failure counts."""

SIGNIFICANCE = 0.01
"""A failure counts if its p-value is below this."""


@dataclass(frozen=True)
class DataRange:
    """Statistics of recorded windows, with which dreams are compared.

    A dream is *frozen* if it moves clearly less than 99% of the recorded windows, or hardly at all. It is *dissolved*
    if another statistic, averaged over a window, is outside the range of single frames (or motion above the range of
    windows). Some recorded windows are frozen or dissolved by these rules too, many of them if the environment often
    stands still. What counts is therefore whether more dreams than recorded windows are.

    Args:
        windows: For each statistic, its value for every frame of every window ``[n, w]``; ``motion`` is required.
        episodes: The episode of each window ``[n]``.
        slack: For each statistic, a difference too small to be visible, by which it may exceed the range; 0 if missing.
        one_sided: Statistics for which low values are no failure.
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
        """Return which dreams are frozen ``[b]``, given the means ``[b]`` of their statistics over a window."""
        motion, recorded = values["motion"], self.windows["motion"]
        return (motion < FROZEN_RANGE_SHARE * self.bounds("motion")[0]) | (
            motion <= FROZEN_MEAN_SHARE * recorded.mean()
        )

    def dissolved(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return which dreams are dissolved ``[b]``, given the means ``[b]`` of their statistics over a window."""
        outside = np.zeros(len(values["motion"]), dtype=bool)
        for name in self.windows:
            low, high = self.bounds(name)
            slack = self.slack.get(name, 0.0)
            outside |= ~(values[name] <= high + slack)  # negated, so that NaN counts as outside
            if name not in self.one_sided:
                outside |= values[name] < low - slack
        return outside

    def recorded(self, failure: str) -> np.ndarray:
        """Return which of the recorded windows are ``"frozen"`` or ``"dissolved"`` themselves ``[n]``.

        Each half of the episodes is compared with the range of the other half, because dreams are compared with
        recordings that they are not part of. The windows of a single episode are split in two.
        """
        numbers, rank = np.unique(self.episodes, return_inverse=True)
        first_half = (rank if len(numbers) > 1 else np.arange(len(rank))) % 2 == 0
        failed = np.zeros(len(first_half), dtype=bool)
        for half in (first_half, ~first_half):
            others = DataRange(self._select(~half), self.episodes[~half], self.slack, self.one_sided)
            failed[half] = getattr(others, failure)({name: w.mean(axis=1) for name, w in self._select(half).items()})
        return failed

    def exceeds_chance(self, failure: str, values: Mapping[str, np.ndarray]) -> bool:
        """Return whether a failure is significantly more frequent in dreams than in recorded windows.

        It is if the dreams that fail beyond the recorded share are more than ``MIN_EXCESS`` of the remaining share, and
        Fisher's exact test (one-sided) gives a p-value below ``SIGNIFICANCE``.

        Args:
            failure: ``"frozen"`` or ``"dissolved"``.
            values: The means ``[b]`` of the dreams' statistics over a window.
        """
        dreams, windows = getattr(self, failure)(values), self.recorded(failure)
        rate = windows.mean()
        if rate == 1 or (dreams.mean() - rate) / (1 - rate) <= MIN_EXCESS:
            return False
        return fisher_exact(int(dreams.sum()), len(dreams), int(windows.sum()), len(windows)) < SIGNIFICANCE

    def _samples(self, name: str) -> np.ndarray:
        """Return the values that define a range: single frames, or means over windows for motion.

        Motion varies within a window, and a single still frame is not a frozen video.
        """
        return self.windows[name].mean(axis=1) if name == "motion" else self.windows[name]

    def _select(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values[rows] for name, values in self.windows.items()}


def fisher_exact(num_first: int, first_size: int, num_second: int, second_size: int) -> float:
    """Return the one-sided p-value of Fisher's exact test (1934): the tail of the hypergeometric distribution.

    It is the probability of at least `num_first` failures in the first sample if failures are equally likely in both.

    Args:
        num_first: Failures in the first sample.
        first_size: Size of the first sample.
        num_second: Failures in the second sample.
        second_size: Size of the second sample.
    """
    failures = num_first + num_second
    ways = [
        math.comb(first_size, k) * math.comb(second_size, failures - k)
        for k in range(num_first, min(failures, first_size) + 1)
    ]
    return sum(ways) / math.comb(first_size + second_size, failures)
