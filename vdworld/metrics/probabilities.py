"""Calibration of probabilities: Brier score and reliability (Brier 1950; Murphy 1973)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Calibration:
    """Predicted probabilities of an event, compared with its frequency.

    Args:
        num_events: Number of events.
        count: Number of predictions.
        brier: Mean squared error of the probabilities; 0 is perfect.
        brier_of_rate: The Brier score of always predicting the event's frequency; a useful model has a lower one.
        predicted: Mean predicted probability of each bin ``[k]``, in ascending order.
        observed: Frequency of the event in each bin ``[k]``; equal to `predicted` if calibrated.
        counts: Number of predictions per bin ``[k]``.
    """

    num_events: int
    count: int
    brier: float
    brier_of_rate: float
    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def mean_prediction(self) -> float:
        """The mean predicted probability, which should be the event's frequency."""
        return float(np.average(self.predicted, weights=self.counts))

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between predicted and observed, weighted by bin size."""
        gaps = np.abs(np.array(self.predicted) - np.array(self.observed))
        return float(np.average(gaps, weights=self.counts))


def calibration(probabilities: ArrayLike, happened: ArrayLike, num_bins: int = 10) -> Calibration:
    """Compare probabilities ``[n]`` of an event with whether it happened ``[n]``.

    All bins hold about the same number of predictions, because those of rare events crowd near zero.

    Raises:
        ValueError: The two are not vectors of one length, are empty, or a probability is outside [0, 1].
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(happened, dtype=np.float64)
    if p.ndim != 1 or p.shape != y.shape or len(p) == 0:
        raise ValueError(
            f"`probabilities` and `happened` must be vectors of one length, got shapes {p.shape} and {y.shape}."
        )
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"`probabilities` must be in [0, 1], got {p.min()} to {p.max()}.")
    order = np.argsort(p, kind="stable")
    bins = np.array_split(order, min(num_bins, len(p)))
    rate = y.mean()
    return Calibration(
        num_events=int(y.sum()),
        count=len(p),
        brier=float(np.square(p - y).mean()),
        brier_of_rate=float(rate * (1 - rate)),
        predicted=tuple(float(p[b].mean()) for b in bins),
        observed=tuple(float(y[b].mean()) for b in bins),
        counts=tuple(len(b) for b in bins),
    )
