"""Uncertainty: two draws of the same frame differ most where the world cannot predict what comes next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vdworld.types import Frame, PerLane


def disagreement(one: Frame, other: Frame) -> PerLane:
    """Return the root mean square difference of two frames of each lane ``[b]``, in units of a frame's range of 2."""
    return (one - other).square().mean(dim=(1, 2, 3)).sqrt()


def uncertainty_limit(quantiles: Sequence[float], share: float) -> float:
    """Return the uncertainty that this share of the steps of held-out dreams stay below.

    Args:
        quantiles: A world's `uncertainty_quantiles`, from 0% to 100% in equal steps. Training measures them where
            there are held-out episodes, and ``vdworld.training.calibrate`` at any time.
        share: In (0, 1], such as 0.99.

    Raises:
        ValueError: The share is out of range, or there are no quantiles.
    """
    if not 0 < share <= 1:
        raise ValueError(f"`uncertainty_limit` must be a share of held-out steps in (0, 1], such as 0.99, got {share}.")
    if not quantiles:
        raise ValueError(
            "`uncertainty_limit` must be None (null on the command line) for a world whose uncertainty was never "
            f"measured on held-out episodes, got {share}. Measure it first: vdworld.training.calibrate(world, dataset)."
        )
    return float(np.interp(share, np.linspace(0, 1, len(quantiles)), quantiles))
