"""What planners cost beyond the dreams that they ask for."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
from vdworld.benchmarks.interleaved_timing import check_turns
from vdworld.benchmarks.speed import begin, check_counts, describe_world
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table
from vdworld.spaces import leaves
from vdworld.world import Rollout, WorldModel

HORIZON, CANDIDATES, ITERATIONS, BEAMS = 4, 32, 2, 8


@dataclass(frozen=True)
class Cost:
    """One plan.

    Args:
        seconds: Time it took.
        dreaming: Of that, in the world's rollouts.
        num_evaluations: Passes through the network, each lane counted.
    """

    seconds: float
    dreaming: float
    num_evaluations: int


@dataclass(frozen=True)
class PlanningCost:
    """The plans of several methods.

    Args:
        costs: (lanes, method) to one cost per repeat.
        about: World, seed, command, machine, versions and date; one line of text each.
    """

    costs: dict[tuple[int, str], list[Cost]]
    about: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([self.table().text(), "", *lines])

    def overhead(self, lanes: int, method: str) -> float:
        """Return how much longer a plan takes than its rollouts alone, as a share of these; the median of repeats."""
        return statistics.median(cost.seconds / cost.dreaming for cost in self.costs[lanes, method]) - 1

    def table(self) -> Table:
        """Return times, evaluations and the overhead, a number of lanes and a method a row."""
        rows = [
            (
                f"{lanes} {'lane' if lanes == 1 else 'lanes'}, {method}",
                f"{costs[0].num_evaluations:,}",
                f"{1e3 * statistics.median(cost.seconds for cost in costs):,.1f}",
                f"{1e3 * statistics.median(cost.dreaming for cost in costs):,.1f}",
                f"{self.overhead(lanes, method):+.1%}",
            )
            for (lanes, method), costs in self.costs.items()
        ]
        repeats = len(next(iter(self.costs.values())))
        note = (
            f"Medians of {repeats} plans of {HORIZON} steps, {CANDIDATES} candidates in {ITERATIONS} iterations. "
            "Both times are of the same plan."
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
                "seconds_in_rollouts": [cost.dreaming for cost in costs],
                "overhead": self.overhead(lanes, method),
            }
            for (lanes, method), costs in self.costs.items()
        ]
        return {"benchmark": "planners", "about": self.about, "rows": rows}


def measure_planning(
    world: WorldModel, *, batch_sizes: Sequence[int] = (1, 4), repeats: int = 5, seed: int = 0
) -> PlanningCost:
    """Plan with every method that fits the world's actions, and time the rollouts among it.

    Args:
        world: The world; it needs start clips.
        batch_sizes: Numbers of lanes that plan at once.
        repeats: Plans per method, after one that is not counted.
        seed: Of starts and searches.

    Raises:
        ValueError: A number out of range.
    """
    check_counts(batch_sizes=batch_sizes)
    check_turns(repeats, 0.0)
    costs: dict[tuple[int, str], list[Cost]] = {}
    for lanes in batch_sizes:
        state = begin(world, lanes, seed)
        for method in fitting_methods(world):
            planner = Planner(world, method, _reward if not world.has_reward else Return(), seed=seed)
            costs[lanes, type(method).__name__] = found = []
            for _ in range(repeats + 1):
                with _timed_rollouts(world) as spent:
                    plan = planner.plan(state)
                found.append(Cost(plan.seconds, sum(spent), plan.num_evaluations))
            del found[0]  # it allocates, tunes and compiles
    return PlanningCost(costs, {"world": describe_world(world), "seed": str(seed), **provenance(world.device)})


def fitting_methods(world: WorldModel) -> list[PlanningMethod]:
    """Return small searches that take a world's actions; those that follow slopes spend their time on the way back."""
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
    """Rate rollouts of a world without rewards by what stands in their place."""
    return rollout.rewards.sum(dim=1)


@contextmanager
def _timed_rollouts(world: WorldModel) -> Iterator[list[float]]:
    """Note the seconds of every rollout of a world."""
    spent: list[float] = []
    rollout = world.rollout

    def timed(*args: Any, **settings: Any) -> Rollout:
        began = _now(world)
        found = rollout(*args, **settings)
        spent.append(_now(world) - began)
        return found

    world.rollout = timed  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        del world.rollout


def _now(world: WorldModel) -> float:
    if world.device.type == "cuda":
        torch.cuda.synchronize(world.device)
    return time.perf_counter()
