from __future__ import annotations

import numpy as np
import pytest

from vdworld.metrics import calibration


def test_true_odds_are_calibrated_and_beat_the_rate() -> None:
    rng = np.random.default_rng(0)
    odds = rng.uniform(size=20_000)
    answer = calibration(odds, rng.uniform(size=20_000) < odds)
    assert answer.error < 0.02
    assert answer.brier == pytest.approx(1 / 6, abs=0.01)  # E[p (1 - p)] of a uniform p
    assert answer.brier_of_rate == pytest.approx(1 / 4, abs=0.01)
    assert answer.count == sum(answer.counts) == 20_000


def test_predicting_the_rate_is_its_own_baseline() -> None:
    answer = calibration([0.25] * 4, [1, 0, 0, 0])
    assert answer.brier == answer.brier_of_rate == 0.1875
    assert answer.num_events == 1


def test_bins_by_hand() -> None:
    """Seven predictions in three bins: the first has one more, and each weighs by its size."""
    answer = calibration([0.9, 0.1, 0.5, 0.2, 0.3, 0.4, 0.7], [1, 0, 1, 0, 1, 0, 0], num_bins=3)
    assert answer.counts == (3, 2, 2)
    assert answer.predicted == pytest.approx((0.2, 0.45, 0.8))
    assert answer.observed == pytest.approx((1 / 3, 0.5, 0.5))
    assert answer.error == pytest.approx((3 * (1 / 3 - 0.2) + 2 * 0.05 + 2 * 0.3) / 7)
    assert answer.mean_prediction == pytest.approx(3.1 / 7)


def test_there_are_no_more_bins_than_predictions() -> None:
    assert calibration([0.1, 0.9], [0, 1]).counts == (1, 1)


def test_overconfidence_shows_as_a_gap() -> None:
    assert calibration([1.0] * 10, [1, 0] * 5, num_bins=1).error == 0.5


@pytest.mark.parametrize(
    ("p", "y", "message"),
    [([], [], "vectors of one length"), ([0.1], [1, 0], "vectors of one length"), ([1.2], [1], r"be in \[0, 1\]")],
)
def test_bad_probabilities_are_refused(p: list, y: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calibration(p, y)
