"""The world that a command names, drawn and computed as the command says."""

from __future__ import annotations

from dataclasses import replace

from omegaconf import DictConfig

from vdworld.commands.arguments import checked, given
from vdworld.world import Execution, Sampling, WorldModel
from vdworld.world.device import pick_device


def load_world(config: DictConfig) -> WorldModel:
    """Load `world` onto `device`; what `sampling` sets takes the place of the world's own, and `execution` holds."""
    world = WorldModel.from_pretrained(config.world, device=pick_device(config.device))
    world.sampling = replace(world.sampling, **checked(Sampling, given(config.sampling)))
    world.execution = Execution(**checked(Execution, config.execution))
    return world
