"""``vdworld benchmark speed``: how many frames per second a world imagines here."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig

from vdworld.benchmarks.contest import check_contexts
from vdworld.benchmarks.peers import DiamondCode, DiamondWorld
from vdworld.benchmarks.plots import speed_plot
from vdworld.benchmarks.results import show_and_keep
from vdworld.benchmarks.speed import fresh_world, measure_speed
from vdworld.benchmarks.speed_beside import SpeedBeside, measure_beside
from vdworld.commands.arguments import keyword_arguments, without_nulls
from vdworld.world import Execution, WorldModel
from vdworld.world.device import pick_device


def speed(config: DictConfig) -> None:
    """Measure the imagined frames per second of a world."""
    world = measured_world(config)
    names = ("batch_sizes", "num_sampling_steps", "repeats", "seconds", "seed")
    settings = keyword_arguments(measure_speed, without_nulls({name: config[name] for name in names}))
    result = measure_speed(world, **settings) if config.peer is None else _beside(config, world, settings)
    show_and_keep(result, config.output, "speed", {"speed.png": lambda: speed_plot(result)})


def measured_world(config: DictConfig) -> WorldModel:
    """Return the world that `world` names, or a fresh one of `preset`, on the device and computed as the keys say."""
    device = pick_device(config.device)
    if config.world is None:
        sizes = keyword_arguments(fresh_world, {"image_size": config.image_size})
        world = fresh_world(config.preset, **sizes, network=chosen_network(config)).to(device)
    else:
        world = WorldModel.from_pretrained(config.world, device=device)
    world.execution = Execution(**keyword_arguments(Execution, config.execution))
    return world


def chosen_network(config: DictConfig) -> dict[str, Any] | None:
    """Return the settings of the network that `network_name` picks for a fresh world."""
    return None if config.network_name is None else {"_target_": f"vdworld.networks.{config.network_name}"}


def _beside(config: DictConfig, world: WorldModel, settings: dict[str, Any]) -> SpeedBeside:
    """Measure DIAMOND's own code, untrained, in turn with the world."""
    code = DiamondCode.load(config.peer)
    shape: dict[str, Any] = {"codec": world.action_codec, "image_size": world.image_size, "cameras": world.cameras}
    chosen = keyword_arguments(DiamondWorld, {"compiled": config.compile_peer, "seed": config.seed})
    peer = DiamondWorld(code, **shape, context_length=max(world.context_length, 4), device=world.device, **chosen)
    check_contexts(world, peer)
    sampler = "compiled" if peer.compiled else "uncompiled"
    notes = f"DIAMOND is its own code at commit {code.commit}, frames alone, in its 3 sampling steps, {sampler}."
    return measure_beside(world, peer, names=("vdworld", "DIAMOND"), notes=notes, **settings)
