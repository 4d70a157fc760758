"""``vdworld benchmark NAME``: figures of this machine."""

from __future__ import annotations

from omegaconf import DictConfig

from vdworld.commands import benchmarks

BENCHMARKS = {
    "speed": benchmarks.speed,
    "env_overhead": benchmarks.envs,
    "contest": benchmarks.contest,
    "dream_vs_real": benchmarks.dreaming,
    "few_steps": benchmarks.few_steps,
    "grid": benchmarks.grid,
    "scaling": benchmarks.growth,
    "planner_overhead": benchmarks.planners,
    "planning": benchmarks.planning,
    "sizes": benchmarks.sizes,
    "uncertainty": benchmarks.uncertainty,
}


def run(config: DictConfig, name: str) -> None:
    """Run the benchmark `name`, print its table, and write its figures to `output`."""
    BENCHMARKS[name](config)
