"""``vdworld benchmark [NAME]``: figures of this machine."""

from __future__ import annotations

from omegaconf import DictConfig

from vdworld.commands import benchmarks

BENCHMARKS = {
    "speed": benchmarks.speed,
    "envs": benchmarks.envs,
    "contest": benchmarks.contest,
    "dreaming": benchmarks.dreaming,
    "few_steps": benchmarks.few_steps,
    "grid": benchmarks.grid,
    "growth": benchmarks.growth,
    "planners": benchmarks.planners,
    "planning": benchmarks.planning,
    "sizes": benchmarks.sizes,
    "uncertainty": benchmarks.uncertainty,
}


def run(config: DictConfig) -> None:
    """Run the benchmark that `name` picks, print its table, and write its figures to `output`."""
    if config.name not in BENCHMARKS:
        raise ValueError(f"`name` must be one of {', '.join(BENCHMARKS)}, got {config.name!r}.")
    BENCHMARKS[config.name](config)
