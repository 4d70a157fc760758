"""The world that a benchmark measures: a saved one, or a fresh one of a preset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from vdworld.spaces import ActionCodec
from vdworld.world import Execution, OutcomeHeads, StartClips, WorldModel, WorldState, build, preset
from vdworld.world.device import pick_device

NUM_CLIPS = 8  # start clips of a fresh world
CERTAIN = 20.0  # logit of the continuation: a fresh world's dreams never end


def measured_world(
    world: str | None = None,
    *,
    preset: str = "tiny",
    network_name: str | None = None,
    image_size: int = 64,
    device: str = "auto",
    execution: Mapping[str, Any] | None = None,
) -> WorldModel:
    """Load a world, or build a fresh one, for a benchmark.

    Args:
        world: The world's folder; None builds a fresh world from the next three arguments.
        preset: The fresh world's preset.
        network_name: Its class in ``vdworld.networks``; None takes the preset's.
        image_size: Height and width of its frames in pixels.
        device: A device's name; ``"auto"`` is the GPU if there is one, else the CPU.
        execution: Arguments of ``vdworld.world.Execution``; None takes its defaults.

    Raises:
        ValueError: An unknown preset, network or device, or a folder that holds no world.
    """
    where = pick_device(device)
    if world is None:
        settings = network_settings(network_name)
        loaded = fresh_world(preset, image_size=image_size, network=settings).to(where)
    else:
        loaded = WorldModel.from_pretrained(world, device=where)
    loaded.execution = Execution(**(execution or {}))
    return loaded


def network_settings(name: str | None) -> dict[str, Any] | None:
    """Return the settings that replace a preset's network by a class of ``vdworld.networks``; None keeps it."""
    return None if name is None else {"_target_": f"vdworld.networks.{name}"}


def fresh_world(
    name: str = "tiny", *, image_size: int = 64, num_actions: int = 2, network: dict[str, Any] | None = None
) -> WorldModel:
    """Return a world with random weights. It is as fast as a trained one and starts from noise; its dreams never end.

    Args:
        name: The preset.
        image_size: Height and width of the frames in pixels.
        num_actions: Length of the continuous actions.
        network: Settings that take precedence over the preset's.
    """
    codec = ActionCodec(gym.spaces.Box(-1.0, 1.0, (num_actions,), np.float32))
    size, sizes = (image_size, image_size), preset(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = build(sizes.network_for(size, network), frame_channels=3, image_size=size, action_dim=codec.dim)
        heads = OutcomeHeads(built.feature_dim)
        frames = torch.randint(256, (NUM_CLIPS, built.context_length, 3, *size), dtype=torch.uint8)
    heads.output.bias.data[1] = CERTAIN
    gaps = (NUM_CLIPS, built.context_length - 1)
    starts = StartClips(frames, torch.zeros(*gaps, num_actions), torch.ones(gaps, dtype=torch.bool))
    parts = {"network": built, "process": build(sizes.process_for()), "heads": heads, "action_codec": codec}
    return WorldModel(**parts, image_size=size, starts=starts).eval().requires_grad_(False)


def start_dreams(world: WorldModel, num_lanes: int, seed: int = 0) -> WorldState:
    """Start dreams from the world's own clips, or from noise if it has none."""
    if world.starts is not None:
        return world.sample_start(num_lanes, seed=seed)
    rng = torch.Generator().manual_seed(seed)
    frames = torch.rand(num_lanes, world.context_length, *world.frame_shape, generator=rng) * 2 - 1
    return world.start(frames, seed=seed)


def describe_world(world: WorldModel) -> str:
    """Return a world's network, number of parameters and frame size in words."""
    size = f"{world.image_size[0]}x{world.image_size[1]}"
    parameters = sum(parameter.numel() for parameter in world.parameters())
    return f"{type(world.network).__name__}, {parameters / 1e6:.2f} million parameters, frames {size}"
