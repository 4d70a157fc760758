"""Rank correlation (Spearman 1904)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from vdworld.metrics.intervals import Interval


def ranks(values: ArrayLike) -> np.ndarray:
    """Return the rank of each number ``[n]``, from 0; equal numbers share their mean rank."""
    _, inverse, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Return the correlation of the ranks of two vectors, in [-1, 1]; NaN if either is constant.

    Raises:
        ValueError: They are not vectors of one length.
    """
    left, right = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if left.ndim != 1 or left.shape != right.shape:
        raise ValueError(f"`second` must be a vector as long as `first`, {left.shape}, got shape {right.shape}.")
    a, b = (ranks(values) - (len(left) - 1) / 2 for values in (left, right))
    scale = math.sqrt((a @ a) * (b @ b))
    return float(a @ b) / scale if scale > 0 else math.nan


def spearman_interval(
    first: ArrayLike, second: ArrayLike, *, groups: ArrayLike, num_resamples: int = 1_000, seed: int = 0
) -> Interval:
    """Return Spearman's correlation with its 95% bootstrap interval.

    Args:
        first: Numbers ``[n]``.
        second: The numbers paired with them ``[n]``.
        groups: The episode of each pair ``[n]``; whole episodes are resampled.
        num_resamples: Number of bootstrap samples.
        seed: Seed of the resampling.
    """
    left, right, owners = (np.asarray(values) for values in (first, second, groups))
    rows = [np.flatnonzero(owners == group) for group in np.unique(owners)]
    rng, correlations = np.random.default_rng(seed), []
    for _ in range(num_resamples):
        drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        correlations.append(spearman(left[drawn], right[drawn]))
    low, high = np.nanquantile(correlations, [0.025, 0.975]) if len(rows) > 1 else (math.nan, math.nan)
    return Interval(spearman(left, right), float(low), float(high), len(left))
