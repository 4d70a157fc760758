"""How many frames a world imagines per second, reward and continuation included."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from vdworld.benchmarks.matmul_ceiling import matmul_ceiling
from vdworld.benchmarks.peak_memory import peak_memory
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table
from vdworld.extras import require
from vdworld.spaces import ActionCodec
from vdworld.world import OutcomeHeads, StartClips, WorldModel, WorldState, build, preset
from vdworld.world.precision import DTYPES

NUM_CLIPS = 8  # from which a fresh world begins
LONGEST_ROLLOUT = 8  # steps; longer ones tell nothing more and take memory


BATCHES = {"cpu": (1, 32, 256), "cuda": (1, 32, 256, 1_024)}
"""How many dreams at a time are measured, by kind of device."""


@dataclass(frozen=True)
class Speed:
    """Imagined frames per second.

    Args:
        rates: (batch size, sampling steps) to one rate per repeat.
        work: Sampling steps to GFLOP per frame: the convolutions and matrix products of the network, a multiply-add
            counted as two.
        memory: Likewise to the peak memory in bytes so far: what torch held on a GPU, elsewhere the whole process.
        ceiling: GFLOP/s of the machine's fastest matrix product in the same arithmetic.
        about: World, seed, command, machine, versions and date; one line of text each.
    """

    rates: dict[tuple[int, int], list[float]]
    work: dict[int, float]
    memory: dict[tuple[int, int], int]
    ceiling: float
    about: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([self.table().text(), "", self.effort_table().text(), "", *lines])

    def table(self) -> Table:
        """Return medians with their spread over the repeats, batch sizes down and sampling steps across."""
        batches, steps = (sorted(set(values)) for values in zip(*self.rates, strict=True))
        rows = [(f"batch {batch}", *(_spread(self.rates[batch, count]) for count in steps)) for batch in batches]
        repeats = len(next(iter(self.rates.values())))
        note = f"Median of {repeats} repeats; in brackets the slowest and the fastest."
        return Table("Imagined frames per second", ("", *map(steps_in_words, steps)), tuple(rows), note)

    def effort_table(self) -> Table:
        """Return what a step of a whole batch takes, and how near it comes to the machine's ceiling."""
        rows = [
            (
                f"batch {batch}, {steps_in_words(steps)}",
                f"{1e3 * batch / statistics.median(self.rates[batch, steps]):,.1f}",
                f"{self.achieved(batch, steps):,.1f}",
                f"{self.achieved(batch, steps) / self.ceiling:.0%}",
                f"{self.memory[batch, steps] / 2**20:,.0f}",
            )
            for batch, steps in sorted(self.rates)
        ]
        columns = ("", "ms per step", "GFLOP/s", "of the ceiling", "memory, MiB")
        cost = ", ".join(f"{work:.2f} in {steps_in_words(steps)}" for steps, work in sorted(self.work.items()))
        note = (
            f"GFLOP per frame, reward and end included: {cost}. The ceiling is the fastest matrix product here, "
            f"{self.ceiling:,.0f} GFLOP/s. Memory: the peak so far."
        )
        return Table("What a step of all dreams takes", columns, tuple(rows), note)

    def achieved(self, batch: int, steps: int) -> float:
        """Return the GFLOP/s of the network."""
        return self.work[steps] * statistics.median(self.rates[batch, steps])

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [
            {
                "batch_size": batch,
                "num_sampling_steps": steps,
                "frames_per_second": {"median": statistics.median(rates), "low": min(rates), "high": max(rates)},
                "repeats": rates,
                "milliseconds_per_step": 1e3 * batch / statistics.median(rates),
                "gflop_per_frame": self.work[steps],
                "gflop_per_second": self.achieved(batch, steps),
                "peak_memory_bytes": self.memory[batch, steps],
            }
            for (batch, steps), rates in self.rates.items()
        ]
        return {"benchmark": "speed", "about": self.about, "ceiling_gflop_per_second": self.ceiling, "rows": rows}


@torch.no_grad()
def measure_speed(
    world: WorldModel,
    *,
    batch_sizes: Sequence[int] | None = None,
    num_sampling_steps: Sequence[int] = (1, 2, 4),
    repeats: int = 5,
    seconds: float = 1.0,
    seed: int = 0,
    progress: bool = True,
) -> Speed:
    """Roll a world out under random actions and count the frames.

    Args:
        world: The world, on the device to measure.
        batch_sizes: Numbers of dreams at a time; None takes ``BATCHES`` of the device.
        num_sampling_steps: Network evaluations per frame.
        repeats: Measurements of each combination.
        seconds: Least time that a measurement takes.
        seed: Decides starts, actions and dreams.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: A number below 1, or a negative time.
    """
    batch_sizes = BATCHES.get(world.device.type, BATCHES["cpu"]) if batch_sizes is None else batch_sizes
    check_counts(batch_sizes=batch_sizes, num_sampling_steps=num_sampling_steps)
    if repeats < 1:
        raise ValueError(f"`repeats` must be at least 1, got {repeats}.")
    if seconds < 0:
        raise ValueError(f"`seconds` must not be negative, got {seconds}.")
    rates, memory = {}, {}
    tqdm = require("tqdm", extra="all").tqdm
    combinations = [(batch, steps) for batch in sorted(batch_sizes) for steps in num_sampling_steps]
    for batch, steps in tqdm(combinations, desc="benchmark", disable=not progress, leave=False):
        rng = torch.Generator().manual_seed(seed)
        encoded = torch.rand(batch, LONGEST_ROLLOUT, world.action_codec.dim, generator=rng) * 2 - 1
        rates[batch, steps] = _rates(world, begin(world, batch, seed), encoded, steps, repeats, seconds)
        memory[batch, steps] = peak_memory(world.device)
    precision = world.execution.precision_on(world.device)
    ceiling = matmul_ceiling(world.device, DTYPES[precision])
    about = {"world": describe_world(world), "precision": precision, "seed": str(seed), **provenance(world.device)}
    return Speed(rates, {steps: gflop_per_frame(world, steps) for steps in num_sampling_steps}, memory, ceiling, about)


def gflop_per_frame(world: WorldModel, num_sampling_steps: int) -> float:
    """Return what convolutions and matrix products take for a frame, reward and end included; nothing is computed."""
    dry, state = copy.deepcopy(world).to("meta"), begin(world, 1).to("meta")
    action = torch.empty(1, world.action_codec.dim, device="meta")
    with FlopCounterMode(display=False) as counter:
        dry.step(state, action, num_sampling_steps=num_sampling_steps, encoded=True)
    return counter.get_total_flops() / 1e9


def steps_in_words(count: int) -> str:
    """Return a number of sampling steps in words."""
    return f"{count} sampling step{'s' if count > 1 else ''}"


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

    It begins from noise, and its dreams never end.

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
        frames = torch.randint(256, (NUM_CLIPS, built.context_length, 3, *size), dtype=torch.uint8)
    heads.output.bias.data[1] = 20.0  # certain to go on
    gaps = (NUM_CLIPS, built.context_length - 1)
    starts = StartClips(frames, torch.zeros(*gaps, num_actions), torch.ones(gaps, dtype=torch.bool))
    parts = {"network": built, "process": build(chosen.process_for()), "heads": heads, "action_codec": codec}
    return WorldModel(**parts, image_size=size, starts=starts).eval().requires_grad_(False)


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

    imagine(LONGEST_ROLLOUT if world.device.type == "cuda" else 1)  # the first call allocates, tunes and records
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
