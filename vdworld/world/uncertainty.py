"""How sure a world is: two draws of the same frame differ most where it does not know what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vdworld.types import Frame, PerLane

if TYPE_CHECKING:
    from vdworld.world.model import WorldModel


def disagreement(one: Frame, other: Frame) -> PerLane:
    """Return the root mean square difference of two frames of each lane ``[b]``, in units of a frame's range of 2."""
    return (one - other).square().mean(dim=(1, 2, 3)).sqrt()


def uncertainty_limit(world: WorldModel, share: float) -> float:
    """Return the uncertainty that this share of the steps of held-out dreams stay below.

    Args:
        world: A world that was trained with held-out episodes, or that ``vdworld.training.calibrate`` has measured.
        share: In (0, 1], such as 0.99.

    Raises:
        ValueError: A share out of range, or a world that was never measured.
    """
    if not 0 < share <= 1:
        raise ValueError(f"`uncertainty_limit` must be a share of held-out steps in (0, 1], such as 0.99, got {share}.")
    if not world.uncertainty_quantiles:
        raise ValueError(
            "`uncertainty_limit` must be None (null on the command line) for a world whose uncertainty was never "
            "measured on held-out episodes. Or measure it first: vdworld.training.calibrate(world, dataset)."
        )
    known = np.linspace(0, 1, len(world.uncertainty_quantiles))
    return float(np.interp(share, known, world.uncertainty_quantiles))
