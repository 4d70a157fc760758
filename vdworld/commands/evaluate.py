"""``vdworld evaluate``: compare imagined with real frames on held-out episodes, and write a report."""

from __future__ import annotations

from omegaconf import DictConfig

from vdworld.commands.arguments import checked
from vdworld.commands.device import pick_device
from vdworld.data import load_dataset
from vdworld.evaluation import evaluate
from vdworld.world import WorldModel


def run(config: DictConfig) -> None:
    """Evaluate, and print the tables."""
    world = WorldModel.from_pretrained(config.world, device=pick_device(config.device))
    dataset = load_dataset(config.data)
    values = {name: value for name, value in config.items() if name not in ("world", "data", "device")}
    print(evaluate(world, dataset, **checked(evaluate, values)))
