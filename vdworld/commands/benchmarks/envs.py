"""``vdworld benchmark envs``: what the vector environment costs beyond the rollouts of its world."""

from __future__ import annotations

import json
from pathlib import Path

from omegaconf import DictConfig

from vdworld.commands.arguments import checked, given
from vdworld.commands.benchmarks.speed import measured_world
from vdworld.evaluation.overhead import measure_overhead


def envs(config: DictConfig) -> None:
    """Measure, print the table, and write envs.json to `output`."""
    names = ("batch_sizes", "repeats", "seconds", "seed")
    settings = checked(measure_overhead, given({name: config[name] for name in names}))
    result = measure_overhead(measured_world(config), **settings)
    print(result)
    if config.output is not None:
        path = Path(config.output) / "envs.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result.to_json(), indent=2) + "\n")
        print(f"\nFigures: {path}")
