"""The correlation of a world's uncertainty with its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vdworld.benchmarks.results import to_text
from vdworld.data import load_dataset
from vdworld.evaluation.report.tables import uncertainty_table
from vdworld.evaluation.uncertainty_calibration import UncertaintyCalibration, measure_uncertainty
from vdworld.world import WorldModel
from vdworld.world.device import pick_device


@dataclass(frozen=True)
class Uncertainty:
    """A calibration of uncertainties, as the result of a benchmark.

    Args:
        calibration: Errors and uncertainties of clips.
    """

    calibration: UncertaintyCalibration

    def __str__(self) -> str:
        return to_text([uncertainty_table(self.calibration)], self.calibration.about)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        return self.calibration.to_json()


def run(
    *,
    world: str,
    data: str,
    num_clips: int = 128,
    trust_environment: bool = False,
    seed: int = 0,
    device: str = "auto",
) -> Uncertainty:
    """Measure a world on held-out clips and on random actions; see ``measure_uncertainty``."""
    loaded = WorldModel.from_pretrained(world, device=pick_device(device))
    settings: dict[str, Any] = {"num_clips": num_clips, "trust_environment": trust_environment, "seed": seed}
    return Uncertainty(measure_uncertainty(loaded, load_dataset(data), **settings))
