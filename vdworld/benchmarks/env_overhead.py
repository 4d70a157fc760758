"""The cost of the vector environment beyond the rollouts of its world."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from gymnasium.vector import AutoresetMode

from vdworld.benchmarks.measured_world import describe_world, measured_world, start_dreams
from vdworld.benchmarks.results import to_text
from vdworld.benchmarks.timing import (
    LONGEST_ROLLOUT,
    PairedRates,
    TimedSteps,
    check_counts,
    check_repeats,
    time_pair,
    timed,
)
from vdworld.envs.array_trees import map_leaves
from vdworld.envs.dream.dream_vector_env import DreamVectorEnv
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table, spread_cell
from vdworld.world import WorldModel

EPISODE = 50  # steps after which a lane is reset
OUTPUTS = ("numpy", "torch")


@dataclass(frozen=True)
class EnvOverhead:
    """Frames per second of vector environments and of rollouts of the same world.

    Args:
        rates: (batch size, output) to the rates of the environment and of the rollout.
        about: World, seed, command, machine, versions and date; one line of text each.
    """

    rates: dict[tuple[int, str], PairedRates]
    about: dict[str, str]

    def __str__(self) -> str:
        return to_text([self.table()], self.about)

    def overhead(self, batch: int, output: str) -> float:
        """Return the extra time of a step of the environment as a share of the rollout's, the median of the turns."""
        return statistics.median(1 / ratio for ratio in self.rates[batch, output].ratios) - 1

    def table(self) -> Table:
        """Return both rates and the overhead, one batch size and output per row."""
        rows = [
            (
                f"batch {batch}, {output}",
                spread_cell(rates.ours),
                spread_cell(rates.peer),
                f"{self.overhead(batch, output):+.1%}",
            )
            for (batch, output), rates in self.rates.items()
        ]
        repeats = len(next(iter(self.rates.values())).ours)
        note = (
            f"Median of {repeats} turns, in brackets the lowest and the highest. Autoreset mode SAME_STEP, episodes "
            f"of {EPISODE} steps, so that all lanes are reset at once; the rollout is never reset."
        )
        return Table("Frames per second", ("", "DreamVectorEnv", "rollout", "overhead"), tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [
            {"batch_size": batch, "output": output, "overhead": self.overhead(batch, output), **rates.to_json()}
            for (batch, output), rates in self.rates.items()
        ]
        return {"benchmark": "env_overhead", "about": self.about, "rows": rows}


def run(
    *,
    world: str | None = None,
    preset: str = "tiny",
    network_name: str | None = None,
    image_size: int = 64,
    batch_sizes: Sequence[int] = (1, 32, 256),
    repeats: int = 5,
    seconds: float = 1.0,
    execution: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
) -> EnvOverhead:
    """Measure a world; see ``measure_env_overhead`` and ``measured_world`` for the arguments."""
    measured = measured_world(
        world, preset=preset, network_name=network_name, image_size=image_size, device=device, execution=execution
    )
    return measure_env_overhead(measured, batch_sizes=batch_sizes, repeats=repeats, seconds=seconds, seed=seed)


@torch.no_grad()
def measure_env_overhead(
    world: WorldModel,
    *,
    batch_sizes: Sequence[int] = (1, 32, 256),
    repeats: int = 5,
    seconds: float = 1.0,
    seed: int = 0,
) -> EnvOverhead:
    """Step vector environments and roll their world out in turns, under the same random actions.

    Args:
        world: The world; it needs start clips.
        batch_sizes: Numbers of lanes.
        repeats: Number of turns.
        seconds: Minimum duration of a turn.
        seed: Decides starts and actions.

    Raises:
        ValueError: A number out of range.
    """
    check_counts(batch_sizes=batch_sizes)
    check_repeats(repeats, seconds)
    rates = {}
    for batch in batch_sizes:
        rng = torch.Generator().manual_seed(seed)
        encoded = torch.rand(batch, LONGEST_ROLLOUT, world.action_codec.dim, generator=rng) * 2 - 1
        actions = world.action_codec.decode(encoded)
        for output in OUTPUTS:
            pair = _env_steps(world, batch, output, actions, seed), _rollouts(world, batch, actions, seed)
            settings = {"longest": LONGEST_ROLLOUT, "repeats": repeats, "seconds": seconds}
            rates[batch, output] = time_pair(*pair, num_lanes=batch, **settings)
    return EnvOverhead(rates, {"world": describe_world(world), "seed": str(seed), **provenance(world.device)})


def _env_steps(world: WorldModel, batch: int, output: str, actions: Any, seed: int) -> TimedSteps:
    settings: dict[str, Any] = {"max_episode_steps": EPISODE, "autoreset_mode": AutoresetMode.SAME_STEP}
    if not world.has_reward:
        settings["reward_function"] = lambda rollout: rollout.rewards
    envs = DreamVectorEnv(world, batch, output=output, **settings)
    envs.reset(seed=seed)
    if output == "torch":
        actions = map_leaves(lambda leaf: torch.as_tensor(leaf, device=world.device), actions)
    per_step = [map_leaves(lambda leaf, t=t: leaf[:, t], actions) for t in range(LONGEST_ROLLOUT)]

    def step(horizon: int) -> float:
        def steps() -> None:
            for action in per_step[:horizon]:
                envs.step(action)

        return timed(steps, world.device)[1]

    return step


def _rollouts(world: WorldModel, batch: int, actions: Any, seed: int) -> TimedSteps:
    state = start_dreams(world, batch, seed)

    def roll(horizon: int) -> float:
        taken = map_leaves(lambda leaf: leaf[:, :horizon], actions)
        return timed(partial(world.rollout, state, taken), world.device)[1]

    return roll
