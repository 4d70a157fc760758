"""``vdworld benchmark speed``: how many frames per second a world imagines here."""

from __future__ import annotations

import json
from pathlib import Path

from omegaconf import DictConfig

from vdworld.commands.arguments import checked, given
from vdworld.commands.device import pick_device
from vdworld.evaluation.speed import fresh_world, measure_speed
from vdworld.world import WorldModel


def speed(config: DictConfig) -> None:
    """Measure the imagined frames per second of a world."""
    device = pick_device(config.device)
    if config.world is None:
        world = fresh_world(config.preset, **checked(fresh_world, {"image_size": config.image_size})).to(device)
    else:
        world = WorldModel.from_pretrained(config.world, device=device)
    names = ("batch_sizes", "num_sampling_steps", "repeats", "seconds", "seed")
    result = measure_speed(world, **checked(measure_speed, given({name: config[name] for name in names})))
    print(result)
    if config.output is not None:
        path = Path(config.output) / "speed.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result.to_json(), indent=2) + "\n")
        print(f"\nFigures: {path}")
