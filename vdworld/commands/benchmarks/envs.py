"""``vdworld benchmark envs``: what the vector environment costs beyond the rollouts of its world."""

from __future__ import annotations

from omegaconf import DictConfig

from vdworld.benchmarks.env_overhead import measure_overhead
from vdworld.benchmarks.results import show_and_keep
from vdworld.commands.arguments import keyword_arguments, without_nulls
from vdworld.commands.benchmarks.speed import measured_world


def envs(config: DictConfig) -> None:
    """Measure, print the table, and write envs.json to `output`."""
    names = ("batch_sizes", "repeats", "seconds", "seed")
    settings = keyword_arguments(measure_overhead, without_nulls({name: config[name] for name in names}))
    result = measure_overhead(measured_world(config), **settings)
    show_and_keep(result, config.output, "envs")
