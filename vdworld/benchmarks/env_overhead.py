"""What the vector environment costs beyond the rollouts of its world."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from gymnasium.vector import AutoresetMode

from vdworld.benchmarks.interleaved_timing import Dream, Turns, alternate, check_turns
from vdworld.benchmarks.speed import LONGEST_ROLLOUT, begin, check_counts, describe_world
from vdworld.envs.array_trees import map_leaves
from vdworld.envs.dream.dream_vector_env import DreamVectorEnv
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table, spread_cell
from vdworld.world import WorldModel

EPISODE = 50  # steps after which a lane begins anew
OUTPUTS = ("numpy", "torch")


@dataclass(frozen=True)
class Overhead:
    """Steps of vector environments beside rollouts of the same world, both in frames per second.

    Args:
        turns: (batch size, output) to the rates of the environment and of the rollout.
        about: World, seed, command, machine, versions and date; one line of text each.
    """

    turns: dict[tuple[int, str], Turns]
    about: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([self.table().text(), "", *lines])

    def overhead(self, batch: int, output: str) -> float:
        """Return how much longer a step of the environment takes, as a share of the rollout's; the median of turns."""
        return statistics.median(1 / ratio for ratio in self.turns[batch, output].ratios) - 1

    def table(self) -> Table:
        """Return the rates of both and the overhead, a batch size and output a row."""
        rows = [
            (
                f"batch {batch}, {output}",
                spread_cell(turns.ours),
                spread_cell(turns.peer),
                f"{self.overhead(batch, output):+.1%}",
            )
            for (batch, output), turns in self.turns.items()
        ]
        repeats = len(next(iter(self.turns.values())).ours)
        note = (
            f"Median of {repeats} turns, in brackets the lowest and the highest. Mode SAME_STEP, episodes of {EPISODE} "
            "steps, all lanes beginning anew at once; the rollout goes on."
        )
        return Table("Frames per second", ("", "DreamVectorEnv", "rollout", "overhead"), tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [
            {"batch_size": batch, "output": output, "overhead": self.overhead(batch, output), **turns.to_json()}
            for (batch, output), turns in self.turns.items()
        ]
        return {"benchmark": "envs", "about": self.about, "rows": rows}


@torch.no_grad()
def measure_overhead(
    world: WorldModel,
    *,
    batch_sizes: Sequence[int] = (1, 32, 256),
    repeats: int = 5,
    seconds: float = 1.0,
    seed: int = 0,
) -> Overhead:
    """Step vector environments and roll their world out in turn, under the same random actions.

    Args:
        world: The world; it needs start clips.
        batch_sizes: Numbers of lanes.
        repeats: Turns.
        seconds: Least time of a turn.
        seed: Of starts and actions.

    Raises:
        ValueError: A number out of range.
    """
    check_counts(batch_sizes=batch_sizes)
    check_turns(repeats, seconds)
    turns = {}
    for batch in batch_sizes:
        rng = torch.Generator().manual_seed(seed)
        encoded = torch.rand(batch, LONGEST_ROLLOUT, world.action_codec.dim, generator=rng) * 2 - 1
        actions = world.action_codec.decode(encoded)
        for output in OUTPUTS:
            dreams = _stepping(world, batch, output, actions, seed), _rolling(world, batch, actions, seed)
            times = {"repeats": repeats, "seconds": seconds}
            turns[batch, output] = alternate(*dreams, num_lanes=batch, longest=LONGEST_ROLLOUT, **times)
    return Overhead(turns, {"world": describe_world(world), "seed": str(seed), **provenance(world.device)})


def _stepping(world: WorldModel, batch: int, output: str, actions: Any, seed: int) -> Dream:
    settings: dict[str, Any] = {"max_episode_steps": EPISODE, "autoreset_mode": AutoresetMode.SAME_STEP}
    if not world.has_reward:
        settings["reward_function"] = lambda rollout: rollout.rewards
    envs = DreamVectorEnv(world, batch, output=output, **settings)
    envs.reset(seed=seed)
    if output == "torch":
        actions = map_leaves(lambda leaf: torch.as_tensor(leaf, device=world.device), actions)
    taken = [map_leaves(lambda leaf, t=t: leaf[:, t], actions) for t in range(LONGEST_ROLLOUT)]

    def dream(horizon: int) -> float:
        began = time.perf_counter()
        for action in taken[:horizon]:
            envs.step(action)
        _wait(world)
        return time.perf_counter() - began

    return dream


def _rolling(world: WorldModel, batch: int, actions: Any, seed: int) -> Dream:
    state = begin(world, batch, seed)

    def dream(horizon: int) -> float:
        began = time.perf_counter()
        world.rollout(state, map_leaves(lambda leaf: leaf[:, :horizon], actions))
        _wait(world)
        return time.perf_counter() - began

    return dream


def _wait(world: WorldModel) -> None:
    if world.device.type == "cuda":
        torch.cuda.synchronize(world.device)
