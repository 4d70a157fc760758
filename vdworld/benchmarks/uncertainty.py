"""The correlation of a world's uncertainty with its error."""

from __future__ import annotations

from vdworld.data import load_dataset
from vdworld.evaluation.uncertainty_calibration import UncertaintyCalibration, measure_uncertainty
from vdworld.world import WorldModel
from vdworld.world.device import pick_device


def run(*, world: str, data: str, num_clips: int = 128, seed: int = 0, device: str = "auto") -> UncertaintyCalibration:
    """Measure a world on held-out clips and on random actions; see ``measure_uncertainty``."""
    loaded = WorldModel.from_pretrained(world, device=pick_device(device))
    return measure_uncertainty(loaded, load_dataset(data), num_clips=num_clips, seed=seed)
