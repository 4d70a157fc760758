"""How sure a mean is: bootstrap intervals (Efron 1979), percentile method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_CHUNK = 2_000_000  # resampled entries held at a time


@dataclass(frozen=True)
class Interval:
    """A mean with its bootstrap interval.

    Args:
        mean: The mean of the values; NaN when there are none.
        low: Lower end; NaN when fewer than two independent values leave nothing to resample.
        high: Upper end, likewise.
        count: How many values were averaged, NaNs left out.
    """

    mean: float
    low: float
    high: float
    count: int

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside: for a difference, whether the sign is certain."""
        return self.low > 0 or self.high < 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, None for NaN; ``from_json`` reads them back."""
        return {key: None if math.isnan(value) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Interval:
        """Read back what ``to_json`` gave."""
        mean, low, high = (math.nan if values[key] is None else values[key] for key in ("mean", "low", "high"))
        return cls(mean, low, high, values["count"])


def bootstrap_interval(
    values: ArrayLike,
    *,
    groups: Sequence[int] | np.ndarray | None = None,
    confidence: float = 0.95,
    num_resamples: int = 5_000,
    seed: int = 0,
) -> Interval:
    """Return the mean of `values` with its bootstrap interval.

    Args:
        values: Numbers ``[n]``; NaNs are left out.
        groups: Which episode each value comes from ``[n]``. Whole episodes are then resampled, because clips of one
            episode are alike and would make the interval look narrower than it is. None: all values are independent.
        confidence: The share of resampled means that the interval holds.
        num_resamples: How many bootstrap samples to draw.
        seed: Of the resampling; the same seed gives the same interval.

    Raises:
        ValueError: `values` is no vector, `groups` has another length, or `confidence` lies outside (0, 1).
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise ValueError(f"`values` must be a vector, got shape {numbers.shape}.")
    if not 0 < confidence < 1:
        raise ValueError(f"`confidence` must lie between 0 and 1, got {confidence}.")
    owners = np.arange(len(numbers)) if groups is None else np.asarray(groups)
    if owners.shape != numbers.shape:
        raise ValueError(f"`groups` must have one entry per value, {len(numbers)}, got shape {owners.shape}.")

    known = ~np.isnan(numbers)
    numbers, owners = numbers[known], owners[known]
    if len(numbers) == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    _, owners = np.unique(owners, return_inverse=True)
    sums, counts = np.bincount(owners, weights=numbers), np.bincount(owners)
    mean = float(numbers.mean())
    if len(sums) < 2:
        return Interval(mean, math.nan, math.nan, len(numbers))
    tail = (1 - confidence) / 2
    low, high = np.quantile(_resampled_means(sums, counts, num_resamples, seed), [tail, 1 - tail])
    return Interval(mean, float(low), float(high), len(numbers))


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    groups: Sequence[int] | np.ndarray | None = None,
    confidence: float = 0.95,
    num_resamples: int = 5_000,
    seed: int = 0,
) -> Interval:
    """Return the mean of ``first - second``, pair by pair, with its bootstrap interval.

    Pairs (same start, same clip) share what makes a start easy or hard, so their difference is far surer than the
    difference of two means. A pair with a NaN is left out. Arguments and errors as in ``bootstrap_interval``.

    Raises:
        ValueError: The two have different lengths.
    """
    left, right = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if left.shape != right.shape:
        raise ValueError(f"`second` must pair with `first`, shape {left.shape}, got shape {right.shape}.")
    return bootstrap_interval(
        left - right, groups=groups, confidence=confidence, num_resamples=num_resamples, seed=seed
    )


def _resampled_means(sums: np.ndarray, counts: np.ndarray, num_resamples: int, seed: int) -> np.ndarray:
    """Return the mean of each of `num_resamples` draws of groups with replacement."""
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // len(sums))
    means = []
    for start in range(0, num_resamples, rows):
        drawn = rng.integers(len(sums), size=(min(rows, num_resamples - start), len(sums)))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    return np.concatenate(means)
