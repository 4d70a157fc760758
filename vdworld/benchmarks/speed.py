"""Imagined frames per second, reward and continuation included."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from vdworld.benchmarks.matmul_ceiling import matmul_ceiling
from vdworld.benchmarks.measured_world import describe_world, measured_world, start_dreams
from vdworld.benchmarks.peak_memory import peak_memory
from vdworld.benchmarks.speed_comparison import SpeedComparison, compare_with_diamond
from vdworld.benchmarks.speed_result import Speed
from vdworld.benchmarks.timing import LONGEST_ROLLOUT, TimedSteps, check_counts, check_repeats, time_in_turns, timed
from vdworld.evaluation.provenance import provenance
from vdworld.extras import require
from vdworld.world import Execution, WorldModel
from vdworld.world.precision import DTYPES

BATCHES = {"cpu": (1, 32, 256), "cuda": (1, 32, 256, 1_024)}
"""Batch sizes that are measured by default, by device type."""


def run(
    *,
    world: str | None = None,
    preset: str = "tiny",
    network_name: str | None = None,
    image_size: int = 64,
    batch_sizes: Sequence[int] | None = None,
    num_sampling_steps: Sequence[int] = (1, 2, 4),
    repeats: int = 5,
    seconds: float = 1.0,
    peer: str | None = None,
    compile_peer: bool = False,
    execution: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Speed | SpeedComparison:
    """Measure a world by itself or, with `peer`, in turns with DIAMOND's own code.

    Args:
        world, preset, network_name, image_size, device, execution: See ``measured_world``.
        batch_sizes, num_sampling_steps, repeats, seconds, seed: See ``measure_speed``; beside a peer, the default
            batch sizes are those of ``compare_speed``.
        peer: A checkout of DIAMOND; None measures the world alone.
        compile_peer: Whether to compile the peer's sampler.

    Raises:
        ValueError: An argument is out of range, or there is no world or checkout at the path.
    """
    measured = measured_world(
        world, preset=preset, network_name=network_name, image_size=image_size, device=device, execution=execution
    )
    settings: dict[str, Any] = {"num_sampling_steps": num_sampling_steps, "repeats": repeats, "seconds": seconds}
    settings |= {"seed": seed} | ({} if batch_sizes is None else {"batch_sizes": batch_sizes})
    if peer is not None:
        return compare_with_diamond(measured, peer, compiled=compile_peer, **settings)
    return measure_speed(measured, **settings)


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
        batch_sizes: Numbers of dreams at a time; None takes those of ``BATCHES`` for the device.
        num_sampling_steps: Numbers of network evaluations per frame.
        repeats: Measurements of each combination.
        seconds: Minimum duration of a measurement.
        seed: Decides starts, actions and dreams.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: A number below 1, or a negative time.
    """
    batch_sizes = BATCHES.get(world.device.type, BATCHES["cpu"]) if batch_sizes is None else batch_sizes
    check_counts(batch_sizes=batch_sizes, num_sampling_steps=num_sampling_steps)
    check_repeats(repeats, seconds)
    rates, memory = {}, {}
    warm_up = LONGEST_ROLLOUT if world.device.type == "cuda" else 1  # CUDA graphs are recorded after some steps
    tqdm = require("tqdm", extra="all").tqdm
    combinations = [(batch, steps) for batch in sorted(batch_sizes) for steps in num_sampling_steps]
    for batch, steps in tqdm(combinations, desc="benchmark", disable=not progress, leave=False):
        rollouts = _rollouts(world, batch, steps, seed)
        turns = time_in_turns(rollouts, longest=LONGEST_ROLLOUT, repeats=repeats, seconds=seconds, warm_up=warm_up)
        rates[batch, steps] = [batch * rate for rate in turns[0]]
        memory[batch, steps] = peak_memory(world.device)
    precision = world.execution.precision_on(world.device)
    ceiling = matmul_ceiling(world.device, DTYPES[precision])
    about = {"world": describe_world(world), "precision": precision, "seed": str(seed), **provenance(world.device)}
    return Speed(rates, {steps: gflop_per_frame(world, steps) for steps in num_sampling_steps}, memory, ceiling, about)


def gflop_per_frame(world: WorldModel, num_sampling_steps: int) -> float:
    """Count the operations of a frame's convolutions and matrix products, reward and continuation included.

    Nothing is computed, so that precision and compilation do not matter.
    """
    dry, state = copy.deepcopy(world).to("meta"), start_dreams(world, 1).to("meta")
    dry.execution = Execution(precision="float32")
    action = torch.empty(1, world.action_codec.dim, device="meta")
    with FlopCounterMode(display=False) as counter:
        dry.step(state, action, num_sampling_steps=num_sampling_steps, encoded=True)
    return counter.get_total_flops() / 1e9


def _rollouts(world: WorldModel, batch: int, steps: int, seed: int) -> TimedSteps:
    rng = torch.Generator().manual_seed(seed)
    encoded = torch.rand(batch, LONGEST_ROLLOUT, world.action_codec.dim, generator=rng) * 2 - 1
    state = start_dreams(world, batch, seed)

    def roll(horizon: int) -> float:
        actions = world.action_codec.decode(encoded[:, :horizon])
        return timed(partial(world.rollout, state, actions, num_sampling_steps=steps), world.device)[1]

    return roll
