"""``vdworld benchmark planners``: what planners cost beyond the dreams that they ask for."""

from __future__ import annotations

from omegaconf import DictConfig

from vdworld.benchmarks.planner_overhead import measure_planning
from vdworld.benchmarks.results import show_and_keep
from vdworld.commands.arguments import keyword_arguments, without_nulls
from vdworld.commands.benchmarks.speed import measured_world


def planners(config: DictConfig) -> None:
    """Measure, print the table, and write planners.json to `output`."""
    names = ("batch_sizes", "repeats", "seed")
    settings = keyword_arguments(measure_planning, without_nulls({name: config[name] for name in names}))
    result = measure_planning(measured_world(config), **settings)
    show_and_keep(result, config.output, "planners")
