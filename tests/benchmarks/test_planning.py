"""Planners with equal budgets in the real environment."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from tests.envs.random_world import random_world
from vdworld.agents import GoalImage, Return
from vdworld.benchmarks.equal_planners import PlanBudget
from vdworld.benchmarks.planning import compare_planners
from vdworld.benchmarks.planning_result import PlannerComparison
from vdworld.evaluation import PlayProtocol

QUICK: dict[str, Any] = {"plan_budget": PlanBudget(2, 4, 1), "num_sampling_steps": 1}
PROTOCOL = PlayProtocol(num_episodes=3, max_steps=3, progress=False)


class Homing:
    """Always moves the belt's bar to the left."""

    def reset(self, mask=None, seed=None, goal=None, context=None) -> None: ...

    def act(self, observation):
        return np.zeros(len(observation), int)


@pytest.fixture(scope="module")
def comparison(belt_data) -> PlannerComparison:
    from tests.evaluation.conftest import Belt

    world = random_world(spaces.Discrete(3))
    return compare_planners(
        world, belt_data, Return(), others={"policy": Homing()}, protocol=PROTOCOL.replace(env=Belt), **QUICK
    )


def test_all_fitting_planners_are_compared_with_other_agents_and_baselines(comparison: PlannerComparison) -> None:
    table = comparison.table()
    names = ["random_shooting", "cross_entropy", "icem", "mppi", "categorical", "beam_search"]
    assert [row[0] for row in table.rows] == [*names, "policy", "random", "no-op"]
    assert table.columns == ("", "return", "minus random's", "ms per decision", "evaluations")
    assert "about 4 plans of 2 steps" in table.note


def test_costs_are_per_decision_of_one_start(comparison: PlannerComparison) -> None:
    """A plan each step: 4 plans of 2 frames, each drawn in one pass and read in another."""
    assert comparison.replan_every == 1
    assert comparison.cost("random_shooting")[1] == 4 * 2 * 2
    assert comparison.cost("policy")[1] == comparison.cost("random")[1] == 0
    assert comparison.cost("policy")[0] < comparison.cost("random_shooting")[0]


def test_the_figures_are_plain_json(comparison: PlannerComparison) -> None:
    figures = json.loads(json.dumps(comparison.to_json()))
    assert figures["planners"]["random_shooting"] == {"method": "RandomShooting", "horizon": 2, "num_candidates": 4}
    assert figures["control"]["protocol"] == "returns"
    assert figures["budget"]["num_plans"] == 4
    assert figures["about"]["objective"] == "Return"


def test_goals_are_reached_from_the_same_starts(pusht_data) -> None:
    world = random_world(spaces.Box(0, 512, (2,), np.float32), cameras=("pixels",))
    protocol = PROTOCOL.replace(num_episodes=2, goal_offset=6, budget=3)
    settings = {**QUICK, "planners": ["random_shooting"], "protocol": protocol}
    result = compare_planners(world, pusht_data.split("test"), GoalImage(), **settings)
    assert result.table().columns[1:4] == ("success", "remaining distance", "minus random's")
    assert [row[0] for row in result.table().rows] == ["random_shooting", "random", "no-op"]
    assert result.to_json()["control"]["num_starts"] == 2


def test_an_agent_with_a_planner_s_name_is_refused(belt_data) -> None:
    with pytest.raises(ValueError, match="`others` must not use the names of planners, got icem"):
        compare_planners(random_world(), belt_data, Return(), others={"icem": Homing()}, **QUICK)
