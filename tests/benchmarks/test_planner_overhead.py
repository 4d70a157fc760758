"""Plans are timed together with the rollouts within."""

from __future__ import annotations

import json

import gymnasium as gym
import pytest

from tests.envs.random_world import random_world
from vdworld.benchmarks.planner_overhead import PlanCost, PlannerOverhead, measure_planner_overhead


def test_every_method_that_fits_is_timed_beside_its_rollouts():
    world = random_world()
    result = measure_planner_overhead(world, batch_sizes=[1, 2], repeats=2)
    methods = ["RandomShooting", "CrossEntropy", "ICEM", "MPPI"]
    assert list(result.costs) == [(lanes, method) for lanes in (1, 2) for method in methods]
    for costs in result.costs.values():
        assert len(costs) == 2
        assert all(0 < cost.rollout_seconds < cost.seconds for cost in costs)
    assert result.costs[2, "CrossEntropy"][0].num_evaluations == 2 * 32 * 2 * 4 * 2
    assert "rollout" not in vars(world)  # the timed method is gone


def test_discrete_actions_have_searches_of_their_own():
    result = measure_planner_overhead(random_world(gym.spaces.Discrete(3)), batch_sizes=[1], repeats=1)
    assert {(1, "CategoricalCrossEntropy"), (1, "BeamSearch")} <= set(result.costs)


def test_the_overhead_is_the_time_beyond_the_rollouts():
    costs = [PlanCost(1.02, 1.0, 100), PlanCost(2.2, 2.0, 100), PlanCost(1.04, 1.0, 100)]
    result = PlannerOverhead({(4, "ICEM"): costs}, {"machine": "two cores"})
    assert result.overhead(4, "ICEM") == pytest.approx(0.04)
    assert result.table().rows == (("4 lanes, ICEM", "100", "1,040.0", "1,000.0", "+4.0%"),)
    assert "two cores" in str(result)
    assert json.loads(json.dumps(result.to_json()))["rows"][0]["overhead"] == pytest.approx(0.04)


def test_a_number_out_of_range_is_named():
    with pytest.raises(ValueError, match="`batch_sizes` must hold whole numbers from 1"):
        measure_planner_overhead(random_world(), batch_sizes=[0])
