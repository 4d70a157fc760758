"""Uncertainty: two draws of the same frame differ most where the world cannot predict what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from vdworld.types import Frame, LaneIntegers, PerLane

Quantiles = tuple[tuple[float, ...], ...]
"""Quantiles of uncertainty in equal steps from 0% to 100%, a row for each number of imagined steps from 1 on."""


def disagreement(one: Frame, other: Frame) -> PerLane:
    """Return the root mean square difference of two frames of each lane ``[b]``, in units of a frame's range of 2."""
    return (one - other).square().mean(dim=(1, 2, 3)).sqrt()


def accumulated(before: PerLane | None, step: PerLane) -> PerLane:
    """Return the uncertainty of dreams after a step ``[b]``, as if the errors of steps were independent."""
    assert before is not None  # every state has one
    return torch.hypot(before, step.float())


def quantile_rows(quantiles: Sequence[float] | Sequence[Sequence[float]]) -> Quantiles:
    """Return quantiles as rows, one per depth; those of 0.1.0, without rows, become that of the first step."""
    rows: Any = [quantiles] if quantiles and not isinstance(quantiles[0], Sequence) else quantiles
    return tuple(tuple(float(value) for value in row) for row in rows)


class UncertaintyLimit:
    """The uncertainty that a share of held-out dreams stays below, at each depth.

    Beyond the depths that were measured it grows like the root of the depth, as a sum of independent errors does.

    Args:
        quantiles: A world's `uncertainty_quantiles`. Training measures them where there are held-out episodes, and
            ``vdworld.training.calibrate`` at any time.
        share: In (0, 1], such as 0.99.

    Raises:
        ValueError: The share is out of range, or there are no quantiles.
    """

    def __init__(self, quantiles: Sequence[float] | Sequence[Sequence[float]], share: float) -> None:
        if not 0 < share <= 1:
            raise ValueError(
                f"`uncertainty_limit` must be a share of held-out steps in (0, 1], such as 0.99, got {share}."
            )
        if not quantiles:
            raise ValueError(
                "`uncertainty_limit` must be None (null on the command line) for a world whose uncertainty was never "
                f"measured on held-out episodes, got {share}. Measure it first: "
                "vdworld.training.calibrate(world, dataset)."
            )
        rows = quantile_rows(quantiles)
        self.limits = torch.tensor([float(np.interp(share, np.linspace(0, 1, len(row)), row)) for row in rows])

    def at(self, depth: LaneIntegers) -> PerLane:
        """Return the limit for dreams of so many imagined steps ``[b]``, at least 1."""
        self.limits = self.limits.to(depth.device)
        measured = depth.clamp(max=len(self.limits))
        return self.limits[measured - 1] * (depth / measured).sqrt()
