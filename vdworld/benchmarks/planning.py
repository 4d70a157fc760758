"""Planners beside each other, other agents and the floors, from the same starts in the real environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vdworld.agents import Agent, Objective, Planner, Predicts
from vdworld.benchmarks.equal_planners import PlanBudget, equal_method, fitting_names
from vdworld.benchmarks.speed import describe_world
from vdworld.data import Dataset
from vdworld.envs.tasks import GoalTask
from vdworld.evaluation.atari_scores import game_of
from vdworld.evaluation.controllers import RANDOM
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.protocol import EnvironmentLike
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.real_play import play
from vdworld.evaluation.report.report import control_to_json
from vdworld.evaluation.report.table import Table, cell
from vdworld.evaluation.report.tables import NORMALIZED, returns_table
from vdworld.evaluation.returns import Returns
from vdworld.world import WorldModel


@dataclass(frozen=True)
class PlannerContest:
    """What planners achieved with the same number of dreamt plans, and what their decisions cost.

    Args:
        control: What each agent did: the planners, other agents, ``"random"``, ``"no-op"``.
        evaluations: Passes through the world's network by planner, all starts and decisions together.
        methods: Each planner's settings.
        budget: What each may dream for one plan.
        replan_every: Steps of a plan that are executed before the next one.
        about: World, objective, command, machine, versions and date; one line of text each.
    """

    control: GoalReaching | Returns
    evaluations: dict[str, int]
    methods: dict[str, dict[str, Any]]
    budget: PlanBudget
    replan_every: int
    about: dict[str, str]

    def __str__(self) -> str:
        return self.table().text()

    def cost(self, name: str) -> tuple[float, float]:
        """Return an agent's seconds and network evaluations per decision of one start."""
        if isinstance(self.control, GoalReaching):
            seconds, count = self.control.attempts[name].seconds, self.control.budget * self.control.num_starts
        else:
            found = self.control.plays[name]
            seconds, count = found.seconds, int(found.lengths.max()) * len(found.lengths)  # all lanes decide to the end
        return seconds / count, self.evaluations.get(name, 0) / count

    def table(self) -> Table:
        """Return one agent per row: what it achieved, beside random actions, and what it cost."""
        rows, measures = (
            _goal_rows(self.control) if isinstance(self.control, GoalReaching) else _return_rows(self.control)
        )
        columns = ("", *measures, "ms per decision", "evaluations")
        costs = {name: self.cost(name) for name in rows}
        cells = tuple(
            (name, *row, f"{1000 * costs[name][0]:,.1f}", f"{costs[name][1]:,.0f}") for name, row in rows.items()
        )
        note = (
            f"{_protocol(self.control)} Every {self.replan_every} steps a planner dreams about {self.budget.num_plans} "
            f"plans of {self.budget.horizon} steps. Brackets: 95% bootstrap intervals; differences are paired. "
            "A decision is one step of one start; all starts decide together. Evaluations: passes through the world's "
            "network per decision."
        )
        return Table("Planners in the real environment", columns, cells, note)

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        names = self.control.attempts if isinstance(self.control, GoalReaching) else self.control.plays
        costs = {name: dict(zip(("seconds", "evaluations"), self.cost(name), strict=True)) for name in names}
        return {
            "benchmark": "planning",
            "about": self.about,
            "budget": {**asdict(self.budget), "num_plans": self.budget.num_plans, "replan_every": self.replan_every},
            "planners": self.methods,
            "per_decision": costs,
            "control": control_to_json(self.control),
        }


def compare_planners(
    world: WorldModel,
    dataset: Dataset,
    objective: Objective,
    *,
    planners: Sequence[str] | None = None,
    planner_settings: Mapping[str, Mapping[str, Any]] | None = None,
    others: Mapping[str, Agent | Predicts] | None = None,
    env: EnvironmentLike | None = None,
    task: GoalTask | None = None,
    num_episodes: int = 50,
    goal_offset: int = 25,
    budget: int = 50,
    max_steps: int = 1_000,
    horizon: int = 4,
    num_candidates: int = 32,
    num_iterations: int = 2,
    replan_every: int | None = None,
    num_sampling_steps: int | None = None,
    max_batch: int = 256,
    seed: int = 0,
    progress: bool = True,
) -> PlannerContest:
    """Let planners act from the same starts, with the same number of dreamt plans for each of their plans.

    Args:
        world: Where they plan.
        dataset: Held-out episodes; where goals and starts come from.
        objective: What a plan is worth, the same for all.
        planners: Names among ``vdworld.benchmarks.equal_planners.NAMES``; None takes all that fit the actions.
        planner_settings: Further arguments of single planners' classes, by the planner's name.
        others: Further agents by name, such as a clone.
        env, task, num_episodes, goal_offset, budget, max_steps: See ``vdworld.evaluation.play``.
        horizon: Length of a plan in steps.
        num_candidates: Plans that are dreamt per iteration.
        num_iterations: Iterations; methods without any dream all plans at once.
        replan_every: Steps of a plan that are executed before the next one; None is half the horizon.
        num_sampling_steps: Network evaluations per imagined frame; None leaves it to the world.
        max_batch: Most dreams at once.
        seed: Of starts, agents and intervals.
        progress: Whether to show progress bars.

    Raises:
        ValueError: A planner that is not known or does not fit the actions, a number out of range, another agent with
            the name of a planner, or what ``play`` raises.
    """
    spend = PlanBudget(horizon, num_candidates, num_iterations)
    codec = world.action_codec
    names = fitting_names(codec, spend) if planners is None else tuple(planners)
    if taken := sorted({*names} & {*(others or {})}):
        raise ValueError(f"`others` must not use the names of planners, got {', '.join(taken)}. Rename that agent.")
    settings: dict[str, Any] = {"replan_every": replan_every, "num_sampling_steps": num_sampling_steps}
    settings |= {"max_batch": max_batch, "seed": seed}
    more = planner_settings or {}
    if strange := sorted({*more} - {*names}):
        raise ValueError(f"`planner_settings` must be for {', '.join(names)}, got {', '.join(strange)}.")
    methods = {name: equal_method(name, codec, spend, more.get(name)) for name in names}
    made = {name: Planner(world, method, objective, **settings) for name, method in methods.items()}
    control = play(
        world,
        dataset,
        {**made, **(others or {})},
        env=env,
        task=task,
        num_episodes=num_episodes,
        goal_offset=goal_offset,
        budget=budget,
        max_steps=max_steps,
        seed=seed,
        progress=progress,
    )
    return PlannerContest(
        control,
        {name: planner.num_evaluations for name, planner in made.items()},
        {name: _settings(planner) for name, planner in made.items()},
        spend,
        max(horizon // 2, 1) if replan_every is None else replan_every,
        {"world": describe_world(world), "objective": type(objective).__name__, **provenance(world.device)},
    )


def _goal_rows(result: GoalReaching) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return cells by agent, and their headings."""
    rows = {
        name: (
            cell(result.interval(name, "success"), 0, percent=True),
            cell(result.interval(name, "remaining"), 2),
            "" if name == RANDOM else cell(result.difference(name, RANDOM, "remaining"), 2, signed=True),
        )
        for name in result.attempts
    }
    return rows, ("success", "remaining distance", "minus random's")


def _return_rows(result: Returns) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return cells by agent, and their headings."""
    table = returns_table(result)
    keep = [i for i, column in enumerate(table.columns) if column not in ("", "steps")]
    return {row[0]: tuple(row[i] for i in keep) for row in table.rows}, tuple(table.columns[i] for i in keep)


def _protocol(result: GoalReaching | Returns) -> str:
    """Say what was played."""
    if isinstance(result, GoalReaching):
        return (
            f"{result.num_starts} starts, goals {result.goal_offset} steps ahead in held-out episodes, {result.budget} "
            f"steps each. Distance: {result.rules['distance']}, after the last step, as a share of the initial one. "
            f"Success: {result.rules['success']}."
        )
    played = f"{len(result.seeds)} episodes per agent of at most {result.max_steps} steps."
    return played if game_of(result.environment) is None else f"{played} {NORMALIZED}"


def _settings(planner: Planner) -> dict[str, Any]:
    """Return a method's class and its numbers."""
    numbers = {name: value for name, value in vars(planner.method).items() if isinstance(value, int | float)}
    return {"method": type(planner.method).__name__, **numbers}
