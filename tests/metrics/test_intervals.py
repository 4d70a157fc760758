from __future__ import annotations

import math

import numpy as np
import pytest

from vdworld.metrics import Interval, bootstrap_interval, paired_difference, ratio_interval

NORMAL = np.random.default_rng(0).normal(3.0, 2.0, size=400)


def test_the_interval_of_a_gaussian_mean_is_that_of_the_textbook() -> None:
    interval = bootstrap_interval(NORMAL, num_resamples=20_000)
    half_width = 1.96 * NORMAL.std() / math.sqrt(len(NORMAL))
    assert interval.mean == pytest.approx(NORMAL.mean())
    assert interval.high - interval.mean == pytest.approx(half_width, rel=0.05)
    assert interval.mean - interval.low == pytest.approx(half_width, rel=0.05)


def test_it_covers_the_true_mean_as_often_as_stated() -> None:
    rng = np.random.default_rng(1)
    intervals = [bootstrap_interval(rng.normal(size=40), num_resamples=400, seed=i) for i in range(200)]
    assert 0.89 <= np.mean([i.low <= 0 <= i.high for i in intervals]) <= 0.99


def test_the_same_seed_gives_the_same_interval() -> None:
    assert bootstrap_interval(NORMAL, seed=3) == bootstrap_interval(NORMAL, seed=3)
    assert bootstrap_interval(NORMAL, seed=3) != bootstrap_interval(NORMAL, seed=4)


def test_missing_values_are_left_out() -> None:
    assert bootstrap_interval([1.0, math.nan, 3.0]).mean == 2.0
    assert bootstrap_interval([1.0, math.nan, 3.0]).count == 2


def test_without_values_to_resample_the_ends_are_nan() -> None:
    one = bootstrap_interval([5.0])
    assert (one.mean, one.count) == (5.0, 1)
    assert np.isnan([one.low, one.high]).all()
    none = bootstrap_interval([math.nan])
    assert none.count == 0
    assert math.isnan(none.mean)
    assert np.isnan([none.low, none.high]).all()


def test_copies_of_an_episode_do_not_narrow_the_interval() -> None:
    values, copies = NORMAL[:30], 10
    alone = bootstrap_interval(values)
    grouped = bootstrap_interval(np.repeat(values, copies), groups=np.repeat(np.arange(30), copies))
    naive = bootstrap_interval(np.repeat(values, copies))
    assert (grouped.mean, grouped.low, grouped.high) == pytest.approx((alone.mean, alone.low, alone.high))
    assert naive.high - naive.low < 0.5 * (grouped.high - grouped.low)


def test_a_resampled_mean_weighs_an_episode_by_its_values() -> None:
    """Two episodes, one with a single 0 and one with nine 1s: a quarter of the resamples holds both twice or not."""
    interval = bootstrap_interval([0.0] + [1.0] * 9, groups=[0] + [1] * 9, confidence=0.4)
    assert (interval.mean, interval.low, interval.high) == (0.9, 0.9, 0.9)
    whole = bootstrap_interval([0.0] + [1.0] * 9, groups=[0] + [1] * 9, confidence=0.6)
    assert (whole.low, whole.high) == (0.0, 1.0)


def test_pairing_removes_shared_variation() -> None:
    second = NORMAL + 0.1
    difference = paired_difference(second, NORMAL)
    assert difference.mean == pytest.approx(0.1)
    assert difference.low > 0.09


def test_a_pair_with_a_missing_half_is_left_out() -> None:
    assert paired_difference([1.0, math.nan, 5.0], [0.0, 1.0, 2.0]) == paired_difference([1.0, 5.0], [0.0, 2.0])


def test_a_ratio_is_that_of_the_means_and_proportional_pairs_leave_no_doubt() -> None:
    below = np.abs(NORMAL) + 1
    interval = ratio_interval(3 * below, below)
    assert (interval.mean, interval.low, interval.high) == pytest.approx((3, 3, 3))
    assert ratio_interval([1.0, 5.0], [1.0, 2.0]).mean == 2.0


def test_the_interval_of_a_ratio_is_that_of_the_textbook() -> None:
    """The delta method: the variance of mean(x) / mean(y) is that of x - r y, divided by n mean(y)^2."""
    below = np.random.default_rng(2).uniform(1, 3, size=len(NORMAL))
    interval = ratio_interval(NORMAL, below, num_resamples=20_000)
    half_width = 1.96 * (NORMAL - interval.mean * below).std() / math.sqrt(len(below)) / below.mean()
    assert interval.high - interval.mean == pytest.approx(half_width, rel=0.07)
    assert interval.mean - interval.low == pytest.approx(half_width, rel=0.07)


def test_a_ratio_to_ones_is_the_mean_and_whole_episodes_are_resampled() -> None:
    groups = np.arange(len(NORMAL)) // 10
    assert ratio_interval(NORMAL, np.ones_like(NORMAL), groups=groups) == bootstrap_interval(NORMAL, groups=groups)
    whole = ratio_interval([0.0] + [1.0] * 9, [1.0] * 10, groups=[0] + [1] * 9, confidence=0.6)
    assert (whole.low, whole.high) == (0.0, 1.0)


def test_a_ratio_leaves_out_pairs_with_a_missing_half() -> None:
    missing = ratio_interval([1.0, math.nan, 4.0, 7.0], [1.0, 9.0, math.nan, 3.0])
    assert missing == ratio_interval([1.0, 7.0], [1.0, 3.0])
    assert (missing.mean, missing.count) == (2.0, 2)


@pytest.mark.parametrize(
    ("above", "below", "message"),
    [([1.0], [0.0], "`denominators` must be positive, got 0.0"), ([1.0], [1.0, 2.0], "must be vectors of one length")],
)
def test_bad_ratios_are_refused(above: list[float], below: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ratio_interval(above, below)


def test_intervals_survive_json_with_their_nans() -> None:
    interval = bootstrap_interval([5.0])
    assert interval.to_json()["low"] is None
    assert repr(Interval.from_json(interval.to_json())) == repr(interval)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": [[1.0]]}, "`values` must be a vector"),
        ({"values": [1.0, 2.0], "groups": [0]}, "`groups` must have one entry per value"),
        ({"values": [1.0], "confidence": 95}, "`confidence` must be between 0 and 1, got 95"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(**arguments)


def test_unequal_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="`second` must pair with `first`"):
        paired_difference([1.0], [1.0, 2.0])
