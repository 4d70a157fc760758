"""``vdworld benchmark [NAME]``: figures of this machine."""

from __future__ import annotations

import json
from pathlib import Path

from omegaconf import DictConfig

from vdworld.commands.arguments import checked
from vdworld.commands.device import pick_device
from vdworld.evaluation.speed import fresh_world, measure_speed
from vdworld.world import WorldModel


def run(config: DictConfig) -> None:
    """Run the benchmark that `name` picks, print its table, and write its figures to `output`."""
    benchmarks = {"speed": speed}
    if config.name not in benchmarks:
        raise ValueError(f"`name` must be one of {', '.join(benchmarks)}, got {config.name!r}.")
    benchmarks[config.name](config)


def speed(config: DictConfig) -> None:
    """Measure the imagined frames per second of a world."""
    device = pick_device(config.device)
    if config.world is None:
        world = fresh_world(config.preset, **checked(fresh_world, {"image_size": config.image_size})).to(device)
    else:
        world = WorldModel.from_pretrained(config.world, device=device)
    names = ("batch_sizes", "num_sampling_steps", "repeats", "seconds", "seed")
    result = measure_speed(world, **checked(measure_speed, {name: config[name] for name in names}))
    print(result)
    if config.output is not None:
        path = Path(config.output) / "speed.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result.to_json(), indent=2) + "\n")
        print(f"\nFigures: {path}")
