"""How many frames a world imagines per second, reward and continuation included."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.tables import Table
from vdworld.extras import require
from vdworld.spaces import ActionCodec
from vdworld.world import OutcomeHeads, WorldModel, WorldState, build, preset

LONGEST_ROLLOUT = 8  # steps; longer ones tell nothing more and take memory


@dataclass(frozen=True)
class Speed:
    """Imagined frames per second.

    Args:
        rates: (batch size, sampling steps) to one rate per repeat.
        about: World, seed, command, machine, versions and date; one line of text each.
    """

    rates: dict[tuple[int, int], list[float]]
    about: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([self.table().text(), "", *lines])

    def table(self) -> Table:
        """Return medians with their spread over the repeats, batch sizes down and sampling steps across."""
        batches, steps = (sorted(set(values)) for values in zip(*self.rates, strict=True))
        rows = [(f"batch {batch}", *(_spread(self.rates[batch, count]) for count in steps)) for batch in batches]
        columns = tuple(f"{count} sampling step{'s' if count > 1 else ''}" for count in steps)
        repeats = len(next(iter(self.rates.values())))
        note = f"Median of {repeats} repeats; in brackets the slowest and the fastest."
        return Table("Imagined frames per second", ("", *columns), tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [
            {
                "batch_size": batch,
                "num_sampling_steps": steps,
                "frames_per_second": {"median": statistics.median(rates), "low": min(rates), "high": max(rates)},
                "repeats": rates,
            }
            for (batch, steps), rates in self.rates.items()
        ]
        return {"benchmark": "speed", "about": self.about, "rows": rows}


@torch.no_grad()
def measure_speed(
    world: WorldModel,
    *,
    batch_sizes: Sequence[int] = (1, 32, 256),
    num_sampling_steps: Sequence[int] = (1, 2, 4),
    repeats: int = 5,
    seconds: float = 1.0,
    seed: int = 0,
    progress: bool = True,
) -> Speed:
    """Roll a world out under random actions and count the frames.

    Args:
        world: The world, on the device to measure.
        batch_sizes: Numbers of dreams at a time.
        num_sampling_steps: Network evaluations per frame.
        repeats: Measurements of each combination.
        seconds: Least time that a measurement takes.
        seed: Decides starts, actions and dreams.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: A number below 1, or a negative time.
    """
    check_counts(batch_sizes=batch_sizes, num_sampling_steps=num_sampling_steps)
    if repeats < 1:
        raise ValueError(f"`repeats` must be at least 1, got {repeats}.")
    if seconds < 0:
        raise ValueError(f"`seconds` must not be negative, got {seconds}.")
    rates = {}
    tqdm = require("tqdm", extra="all").tqdm
    combinations = [(batch, steps) for batch in batch_sizes for steps in num_sampling_steps]
    for batch, steps in tqdm(combinations, desc="benchmark", disable=not progress, leave=False):
        rng = torch.Generator().manual_seed(seed)
        encoded = torch.rand(batch, LONGEST_ROLLOUT, world.action_codec.dim, generator=rng) * 2 - 1
        rates[batch, steps] = _rates(world, begin(world, batch, seed), encoded, steps, repeats, seconds)
    return Speed(rates, {"world": describe_world(world), "seed": str(seed), **provenance(world.device)})


def check_counts(**counts: Sequence[int]) -> None:
    """Raise a ValueError that names the argument which is empty or holds a number below 1."""
    for name, values in counts.items():
        if not values or min(values) < 1:
            raise ValueError(f"`{name}` must hold numbers from 1, got {list(values)}.")


def describe_world(world: WorldModel) -> str:
    """Return network, size and frames of a world in words."""
    size = f"{world.image_size[0]}x{world.image_size[1]}"
    parameters = sum(parameter.numel() for parameter in world.parameters())
    return f"{type(world.network).__name__}, {parameters / 1e6:.2f} million parameters, frames {size}"


def fresh_world(
    name: str = "tiny", *, image_size: int = 64, num_actions: int = 2, network: dict[str, Any] | None = None
) -> WorldModel:
    """Return a world of a preset with random weights: as fast as a trained one, and no use otherwise.

    Args:
        name: The preset.
        image_size: Height and width of the frames in pixels.
        num_actions: Length of the continuous actions.
        network: Settings of the network on top of the preset's.
    """
    codec = ActionCodec(gym.spaces.Box(-1.0, 1.0, (num_actions,), np.float32))
    size, chosen = (image_size, image_size), preset(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = build(chosen.network_for(size, network), frame_channels=3, image_size=size, action_dim=codec.dim)
        heads = OutcomeHeads(built.feature_dim)
    process = build(chosen.process_for())
    world = WorldModel(network=built, process=process, heads=heads, action_codec=codec, image_size=size)
    return world.eval().requires_grad_(False)


def begin(world: WorldModel, batch: int, seed: int = 0) -> WorldState:
    """Start dreams from the world's own clips, or from noise where it has none."""
    if world.starts is not None:
        return world.sample_start(batch, seed=seed)
    rng = torch.Generator().manual_seed(seed)
    frames = torch.rand(batch, world.context_length, *world.frame_shape, generator=rng) * 2 - 1
    return world.start(frames, seed=seed)


def _rates(
    world: WorldModel, state: WorldState, encoded: Tensor, steps: int, repeats: int, seconds: float
) -> list[float]:
    def imagine(horizon: int) -> float:
        """Return the seconds that a rollout takes, actions in the environment's units."""
        actions = world.action_codec.decode(encoded[:, :horizon])
        began = time.perf_counter()
        world.rollout(state, actions, num_sampling_steps=steps)
        if world.device.type == "cuda":
            torch.cuda.synchronize(world.device)
        return time.perf_counter() - began

    imagine(1)  # the first call allocates and tunes
    horizon = int(min(max(seconds / imagine(1), 1), LONGEST_ROLLOUT))
    rates = []
    for _ in range(repeats):
        elapsed, frames = 0.0, 0
        while frames == 0 or elapsed < seconds:
            elapsed += imagine(horizon)
            frames += len(state) * horizon
        rates.append(frames / elapsed)
    return rates


def _spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):,.0f} [{min(rates):,.0f}, {max(rates):,.0f}]"
