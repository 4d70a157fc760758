"""Claims about rank correlation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vdworld.metrics import ranks, spearman, spearman_interval


def test_equal_numbers_share_the_mean_of_their_ranks() -> None:
    assert ranks([30, 10, 20, 20]).tolist() == [3, 0, 1.5, 1.5]


def test_spearman_of_a_case_worked_by_hand() -> None:
    assert spearman([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) == pytest.approx(8 / math.sqrt(10 * 9.5))


def test_only_the_order_counts() -> None:
    x = np.random.default_rng(0).normal(size=50)
    assert spearman(x, np.exp(x)) == pytest.approx(1)
    assert spearman(x, -(x**3)) == pytest.approx(-1)


def test_it_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, 40), rng.integers(0, 9, 40)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_constant_values_have_no_correlation() -> None:
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))


def test_the_interval_covers_the_truth_and_narrows_with_episodes_not_with_copies() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    y = x + rng.normal(size=200)
    alone = spearman_interval(x, y, groups=np.arange(200))
    copied = spearman_interval(np.repeat(x, 5), np.repeat(y, 5), groups=np.repeat(np.arange(200), 5))
    assert alone.low < 6 / math.pi * math.asin(math.sqrt(0.5) / 2) < alone.high  # Gaussian pairs, Pearson 0.71
    assert alone.low < alone.mean < alone.high
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_vectors_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="`second` must be a vector as long as `first`"):
        spearman([1, 2], [1, 2, 3])
