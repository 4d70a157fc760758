"""The result of a comparison of planners: one table of returns or goals, and of costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from vdworld.benchmarks.equal_planners import PlanBudget
from vdworld.benchmarks.results import to_text
from vdworld.evaluation.atari_scores import game_of
from vdworld.evaluation.controllers import RANDOM
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.report.report import control_to_json
from vdworld.evaluation.report.table import Table, cell
from vdworld.evaluation.report.tables import NORMALIZED, returns_table
from vdworld.evaluation.returns import Returns


@dataclass(frozen=True)
class PlannerComparison:
    """Results of planners with the same number of imagined plans, and the cost of their decisions.

    Args:
        control: Results of the planners, of other agents, of ``"random"`` and of ``"no-op"``.
        evaluations: Planner to its passes through the world's network, all starts and decisions together.
        methods: Planner to its settings.
        budget: What each may imagine for one plan.
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
        return to_text([self.table()], self.about)

    def cost(self, name: str) -> tuple[float, float]:
        """Return an agent's seconds and network evaluations per decision of one start."""
        if isinstance(self.control, GoalReaching):
            seconds, count = self.control.attempts[name].seconds, self.control.budget * self.control.num_starts
        else:
            episodes = self.control.plays[name]
            seconds = episodes.seconds
            count = int(episodes.lengths.max()) * len(episodes.lengths)  # lanes decide until the last one ends
        return seconds / count, self.evaluations.get(name, 0) / count

    def table(self) -> Table:
        """Return one agent per row: its result, its difference from random actions, and its cost."""
        rows, measures = (
            _goal_rows(self.control) if isinstance(self.control, GoalReaching) else _return_rows(self.control)
        )
        columns = ("", *measures, "ms per decision", "evaluations")
        costs = {name: self.cost(name) for name in rows}
        cells = tuple(
            (name, *row, f"{1000 * costs[name][0]:,.1f}", f"{costs[name][1]:,.0f}") for name, row in rows.items()
        )
        note = (
            f"{_protocol(self.control)} Every {self.replan_every} steps a planner imagines about "
            f"{self.budget.num_plans} plans of {self.budget.horizon} steps. Brackets: 95% bootstrap intervals; "
            "differences are paired. A decision is one step from one start; all starts decide together. Evaluations: "
            "passes through the world's network per decision."
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


def _goal_rows(result: GoalReaching) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return each agent's cells, and their column headings."""
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
    """Return each agent's cells, and their column headings."""
    table = returns_table(result)
    keep = [i for i, column in enumerate(table.columns) if column not in ("", "steps")]
    return {row[0]: tuple(row[i] for i in keep) for row in table.rows}, tuple(table.columns[i] for i in keep)


def _protocol(result: GoalReaching | Returns) -> str:
    """Return the protocol in words."""
    if isinstance(result, GoalReaching):
        return (
            f"{result.num_starts} starts, goals {result.goal_offset} steps ahead in held-out episodes, {result.budget} "
            f"steps each. Distance: {result.rules['distance']}, after the last step, as a share of the initial one. "
            f"Success: {result.rules['success']}."
        )
    played = f"{len(result.seeds)} episodes per agent of at most {result.max_steps} steps."
    return played if game_of(result.environment) is None else f"{played} {NORMALIZED}"
