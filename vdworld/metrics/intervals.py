"""Confidence intervals of means and of ratios of means: the percentile bootstrap (Efron 1979)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vdworld.json_values import value_from_json

_CHUNK = 2_000_000  # resampled entries held at a time


@dataclass(frozen=True)
class Interval:
    """A mean, or a ratio of two means, with its bootstrap interval.

    Args:
        mean: The mean of the values, or the ratio; NaN if there are none.
        low: Lower end; NaN if there are fewer than two independent values to resample.
        high: Upper end; NaN likewise.
        count: Number of values, without NaNs.
    """

    mean: float
    low: float
    high: float
    count: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, None for NaN; ``from_json`` reads them back."""
        return {key: None if math.isnan(value) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Interval:
        """Return the interval of the values that ``to_json`` returned.

        Raises:
            ValueError, KeyError: A value is missing or of another type.
        """
        ends = [value_from_json(key, values[key], float | None) for key in ("mean", "low", "high")]
        mean, low, high = (math.nan if end is None else end for end in ends)
        return cls(mean, low, high, value_from_json("count", values["count"], int))


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
        groups: The episode of each value ``[n]``. Whole episodes are resampled, because clips of one episode resemble
            each other and would make the interval too narrow. None treats all values as independent.
        confidence: The share of resampled means inside the interval.
        num_resamples: Number of bootstrap samples.
        seed: Seed of the resampling; the same seed gives the same interval.

    Raises:
        ValueError: `values` is not a vector, `groups` has another length, or `confidence` is outside (0, 1).
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise ValueError(f"`values` must be a vector, got shape {numbers.shape}.")
    return ratio_interval(
        numbers,
        np.ones_like(numbers),
        groups=groups,
        confidence=confidence,
        num_resamples=num_resamples,
        seed=seed,
    )


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    groups: Sequence[int] | np.ndarray | None = None,
    confidence: float = 0.95,
    num_resamples: int = 5_000,
    seed: int = 0,
) -> Interval:
    """Return the mean of the paired differences ``first - second`` with its bootstrap interval.

    The values of a pair share a start or a clip, and with it the difficulty, so the interval is narrower than that of a
    difference of two means. Pairs with a NaN are left out. The other arguments and errors are those of
    ``bootstrap_interval``.

    Raises:
        ValueError: The two have different shapes.
    """
    left, right = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if left.shape != right.shape:
        raise ValueError(f"`second` must pair with `first`, shape {left.shape}, got shape {right.shape}.")
    return bootstrap_interval(
        left - right, groups=groups, confidence=confidence, num_resamples=num_resamples, seed=seed
    )


def ratio_interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    groups: Sequence[int] | np.ndarray | None = None,
    confidence: float = 0.95,
    num_resamples: int = 5_000,
    seed: int = 0,
) -> Interval:
    """Return the ratio of two means, ``mean(numerators) / mean(denominators)``, with its bootstrap interval.

    Pairs are resampled together, and pairs with a NaN are left out. The other arguments are those of
    ``bootstrap_interval``.

    Raises:
        ValueError: The two are not vectors of one length, a denominator is not positive, `groups` has another length,
            or `confidence` is outside (0, 1).
    """
    above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    if above.ndim != 1 or above.shape != below.shape:
        raise ValueError(
            f"`numerators` and `denominators` must be vectors of one length, got shapes {above.shape} and "
            f"{below.shape}."
        )
    if (below <= 0).any():
        raise ValueError(f"`denominators` must be positive, got {below.min()}.")
    if not 0 < confidence < 1:
        raise ValueError(f"`confidence` must be between 0 and 1, got {confidence}.")
    owners = np.arange(len(above)) if groups is None else np.asarray(groups)
    if owners.shape != above.shape:
        raise ValueError(f"`groups` must have one entry per value, {len(above)}, got shape {owners.shape}.")

    is_pair = ~np.isnan(above) & ~np.isnan(below)
    above, below, owners = above[is_pair], below[is_pair], owners[is_pair]
    if len(above) == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    _, owners = np.unique(owners, return_inverse=True)
    sums, divisors = np.bincount(owners, weights=above), np.bincount(owners, weights=below)
    ratio = float(above.mean() / below.mean())
    if len(sums) < 2:
        return Interval(ratio, math.nan, math.nan, len(above))
    tail = (1 - confidence) / 2
    low, high = np.quantile(_resampled_ratios(sums, divisors, num_resamples, seed), [tail, 1 - tail])
    return Interval(ratio, float(low), float(high), len(above))


def _resampled_ratios(sums: np.ndarray, divisors: np.ndarray, num_resamples: int, seed: int) -> np.ndarray:
    """Return the ratios of the two sums over `num_resamples` draws of groups with replacement."""
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // len(sums))
    ratios = []
    for start in range(0, num_resamples, rows):
        drawn = rng.integers(len(sums), size=(min(rows, num_resamples - start), len(sums)))
        ratios.append(sums[drawn].sum(axis=1) / divisors[drawn].sum(axis=1))
    return np.concatenate(ratios)
