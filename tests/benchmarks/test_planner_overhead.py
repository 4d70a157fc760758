"""Plans are timed beside the rollouts that they ask for."""

from __future__ import annotations

import json

import gymnasium as gym
import pytest

from tests.envs.random_world import random_world
from vdworld.benchmarks.planner_overhead import Cost, PlanningCost, measure_planning


def test_every_method_that_fits_is_timed_beside_its_rollouts():
    world = random_world()
    found = measure_planning(world, batch_sizes=[1, 2], repeats=2)
    methods = ["RandomShooting", "CrossEntropy", "ICEM", "MPPI"]
    assert list(found.costs) == [(lanes, method) for lanes in (1, 2) for method in methods]
    for costs in found.costs.values():
        assert len(costs) == 2
        assert all(0 < cost.dreaming < cost.seconds for cost in costs)
    assert found.costs[2, "CrossEntropy"][0].num_evaluations == 2 * 32 * 2 * 4 * 2
    assert "rollout" not in vars(world)  # the stopwatch is gone


def test_choices_have_searches_of_their_own():
    found = measure_planning(random_world(gym.spaces.Discrete(3)), batch_sizes=[1], repeats=1)
    assert {(1, "CategoricalCrossEntropy"), (1, "BeamSearch")} <= set(found.costs)


def test_the_overhead_is_the_time_beyond_the_rollouts():
    costs = [Cost(1.02, 1.0, 100), Cost(2.2, 2.0, 100), Cost(1.04, 1.0, 100)]
    found = PlanningCost({(4, "ICEM"): costs}, {"machine": "two cores"})
    assert found.overhead(4, "ICEM") == pytest.approx(0.04)
    assert found.table().rows == (("4 lanes, ICEM", "100", "1,040.0", "1,000.0", "+4.0%"),)
    assert "two cores" in str(found)
    assert json.loads(json.dumps(found.to_json()))["rows"][0]["overhead"] == pytest.approx(0.04)


def test_a_number_out_of_range_is_named():
    with pytest.raises(ValueError, match="`batch_sizes` must hold numbers from 1"):
        measure_planning(random_world(), batch_sizes=[0])
