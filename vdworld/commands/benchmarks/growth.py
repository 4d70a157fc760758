"""``vdworld benchmark growth``: how the cost of a step grows with batch, frames, context and dream."""

from __future__ import annotations

from omegaconf import DictConfig

from vdworld.benchmarks.plots import growth_plot
from vdworld.benchmarks.results import show_and_keep
from vdworld.benchmarks.scaling import measure_growth
from vdworld.commands.arguments import keyword_arguments
from vdworld.commands.benchmarks.speed import chosen_network
from vdworld.world.device import pick_device


def growth(config: DictConfig) -> None:
    """Measure, print a table per axis, and write growth.json and growth.png to `output`."""
    names = ("preset", "image_size", "seed", "batches", "image_sizes", "context_lengths", "dream_lengths")
    settings = keyword_arguments(measure_growth, {name: config[name] for name in names if config[name] is not None})
    result = measure_growth(**settings, network=chosen_network(config), device=pick_device(config.device))
    show_and_keep(result, config.output, "growth", {"growth.png": lambda: growth_plot(result)})
