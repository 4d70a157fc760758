"""``vdworld benchmark uncertainty``: whether a world's uncertainty tells where it errs."""

from __future__ import annotations

from omegaconf import DictConfig

from vdworld.benchmarks.results import show_and_keep
from vdworld.commands.arguments import keyword_arguments
from vdworld.data import load_dataset
from vdworld.evaluation.uncertainty_calibration import measure_uncertainty
from vdworld.world import WorldModel
from vdworld.world.device import pick_device


def uncertainty(config: DictConfig) -> None:
    """Measure, print the table, and write uncertainty.json to `output`."""
    for name in ("world", "data"):
        if config[name] is None:
            raise ValueError(f"`{name}` must name a folder for this benchmark, got null.")
    world = WorldModel.from_pretrained(config.world, device=pick_device(config.device))
    settings = keyword_arguments(measure_uncertainty, {name: config[name] for name in ("num_clips", "seed")})
    result = measure_uncertainty(world, load_dataset(config.data), **settings)
    show_and_keep(result, config.output, "uncertainty")
