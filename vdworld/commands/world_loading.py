"""Load the world that a command names, with the sampling and execution that the command sets."""

from __future__ import annotations

from dataclasses import replace

from omegaconf import DictConfig

from vdworld.commands.arguments import keyword_arguments, without_nulls
from vdworld.world import Execution, Sampling, WorldModel
from vdworld.world.device import pick_device


def load_world(config: DictConfig) -> WorldModel:
    """Load the folder ``world`` onto ``device``.

    Values of ``sampling`` replace the world's own where they are not null; ``execution`` applies as a whole.
    """
    world = WorldModel.from_pretrained(config.world, device=pick_device(config.device))
    world.sampling = replace(world.sampling, **keyword_arguments(Sampling, without_nulls(config.sampling)))
    world.execution = Execution(**keyword_arguments(Execution, config.execution))
    return world
