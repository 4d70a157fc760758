"""The cost of planners beyond their rollouts."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from gymnasium import spaces

from vdworld.agents import (
    ICEM,
    MPPI,
    BeamSearch,
    CategoricalCrossEntropy,
    CrossEntropy,
    Planner,
    PlanningMethod,
    RandomShooting,
    Return,
)
from vdworld.benchmarks.measured_world import describe_world, measured_world, start_dreams
from vdworld.benchmarks.results import to_text
from vdworld.benchmarks.timing import check_counts, check_repeats, timed
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table
from vdworld.spaces import leaves
from vdworld.world import Rollout, WorldModel, WorldState

HORIZON, CANDIDATES, ITERATIONS, BEAMS = 4, 32, 2, 8


@dataclass(frozen=True)
class PlanCost:
    """Cost of one plan.

    Args:
        seconds: Its time.
        rollout_seconds: The part of it spent in the world's rollouts.
        num_evaluations: Passes through the network, summed over lanes.
    """

    seconds: float
    rollout_seconds: float
    num_evaluations: int


@dataclass(frozen=True)
class PlannerOverhead:
    """Costs of the plans of several methods.

    Args:
        costs: (lanes, method) to one cost per repeat.
        about: World, seed, command, machine, versions and date; one line of text each.
    """

    costs: dict[tuple[int, str], list[PlanCost]]
    about: dict[str, str]

    def __str__(self) -> str:
        return to_text([self.table()], self.about)

    def overhead(self, lanes: int, method: str) -> float:
        """Return the time of a plan beyond its rollouts as a share of theirs, the median of the repeats."""
        return statistics.median(cost.seconds / cost.rollout_seconds for cost in self.costs[lanes, method]) - 1

    def table(self) -> Table:
        """Return times, evaluations and the overhead, one number of lanes and method per row."""
        rows = [
            (
                f"{lanes} {'lane' if lanes == 1 else 'lanes'}, {method}",
                f"{costs[0].num_evaluations:,}",
                f"{1e3 * statistics.median(cost.seconds for cost in costs):,.1f}",
                f"{1e3 * statistics.median(cost.rollout_seconds for cost in costs):,.1f}",
                f"{self.overhead(lanes, method):+.1%}",
            )
            for (lanes, method), costs in self.costs.items()
        ]
        repeats = len(next(iter(self.costs.values())))
        note = (
            f"Medians of {repeats} plans of {HORIZON} steps: {CANDIDATES} candidates, {ITERATIONS} iterations. Both "
            "times are of the same plan."
        )
        return Table("One plan", ("", "evaluations", "ms", "ms in rollouts", "overhead"), tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [
            {
                "lanes": lanes,
                "method": method,
                "num_evaluations": costs[0].num_evaluations,
                "seconds": [cost.seconds for cost in costs],
                "seconds_in_rollouts": [cost.rollout_seconds for cost in costs],
                "overhead": self.overhead(lanes, method),
            }
            for (lanes, method), costs in self.costs.items()
        ]
        return {"benchmark": "planner_overhead", "about": self.about, "rows": rows}


def run(
    *,
    world: str | None = None,
    preset: str = "tiny",
    network_name: str | None = None,
    image_size: int = 64,
    batch_sizes: Sequence[int] = (1, 4),
    repeats: int = 5,
    execution: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
) -> PlannerOverhead:
    """Measure a world; see ``measure_planner_overhead`` and ``measured_world`` for the arguments."""
    measured = measured_world(
        world, preset=preset, network_name=network_name, image_size=image_size, device=device, execution=execution
    )
    return measure_planner_overhead(measured, batch_sizes=batch_sizes, repeats=repeats, seed=seed)


def measure_planner_overhead(
    world: WorldModel, *, batch_sizes: Sequence[int] = (1, 4), repeats: int = 5, seed: int = 0
) -> PlannerOverhead:
    """Plan with every method that fits the world's actions, and time the rollouts within.

    Args:
        world: The world; it needs start clips.
        batch_sizes: Numbers of lanes that plan at once.
        repeats: Plans per method, after one that is not counted.
        seed: Decides starts and searches.

    Raises:
        ValueError: A number out of range.
    """
    check_counts(batch_sizes=batch_sizes)
    check_repeats(repeats)
    costs: dict[tuple[int, str], list[PlanCost]] = {}
    for lanes in batch_sizes:
        state = start_dreams(world, lanes, seed)
        for method in fitting_methods(world):
            planner = Planner(world, method, Return() if world.has_reward else _reward, seed=seed)
            planner.plan(state)  # the first plan allocates, tunes and compiles
            costs[lanes, type(method).__name__] = [_cost(planner, world, state) for _ in range(repeats)]
    return PlannerOverhead(costs, {"world": describe_world(world), "seed": str(seed), **provenance(world.device)})


def fitting_methods(world: WorldModel) -> list[PlanningMethod]:
    """Return small searches that fit a world's actions, without those that follow gradients.

    The latter spend most of their time in the backward pass, outside of rollouts.
    """
    sizes = (HORIZON, CANDIDATES, ITERATIONS)
    methods: list[PlanningMethod] = [
        RandomShooting(HORIZON, CANDIDATES * ITERATIONS),
        CrossEntropy(*sizes),
        ICEM(*sizes),
        MPPI(*sizes),
    ]
    if any(isinstance(leaf, spaces.Box) for leaf in leaves(world.action_space)):
        return methods
    return [*methods, CategoricalCrossEntropy(*sizes), BeamSearch(HORIZON, BEAMS)]


def _reward(rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
    """Rate rollouts of a world without rewards by the zeros in their place."""
    return rollout.rewards.sum(dim=1)


def _cost(planner: Planner, world: WorldModel, state: WorldState) -> PlanCost:
    with _timed_rollouts(world) as seconds:
        plan = planner.plan(state)
    return PlanCost(plan.seconds, sum(seconds), plan.num_evaluations)


@contextmanager
def _timed_rollouts(world: WorldModel) -> Iterator[list[float]]:
    """Yield a list that receives the seconds of every rollout of a world."""
    durations: list[float] = []
    rollout = world.rollout

    def timed_rollout(*args: Any, **settings: Any) -> Rollout:
        result, seconds = timed(partial(rollout, *args, **settings), world.device)
        durations.append(seconds)
        return result

    world.rollout = timed_rollout  # type: ignore[method-assign]
    try:
        yield durations
    finally:
        del world.rollout
