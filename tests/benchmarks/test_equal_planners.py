"""Methods imagine as many plans as each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from tests.envs.random_world import random_world
from vdworld.agents import ICEM, BeamSearch, CrossEntropy, GradientDescent, Planner, Return
from vdworld.benchmarks.equal_planners import NAMES, PlanBudget, equal_method, equal_methods, fitting_names
from vdworld.spaces import ActionCodec

BOX = ActionCodec(spaces.Box(-1.0, 1.0, (2,), np.float32))
THREE = ActionCodec(spaces.Discrete(3))


@pytest.mark.parametrize("space", [spaces.Box(-1.0, 1.0, (2,), np.float32), spaces.Discrete(3)])
def test_no_planner_imagines_much_more_or_less_than_the_others(space: spaces.Space) -> None:
    world, budget = random_world(space), PlanBudget(horizon=2, num_candidates=4, num_iterations=2)
    frames = {}
    for name in fitting_names(world.action_codec, budget):
        planner = Planner(world, equal_method(name, world.action_codec, budget), Return())
        plan = planner.plan(world.start(torch.zeros(2, 3, 3, 8, 16)))
        frames[name] = planner.num_imagined / len(plan.actions)
        if name == "gradient":
            frames[name] = plan.num_evaluations / len(plan.actions) / (world.num_sampling_steps + 1)
    whole = budget.num_plans * budget.horizon
    assert {name: 0.6 * whole <= count <= whole + budget.horizon for name, count in frames.items()} == dict.fromkeys(
        frames, True
    )
    assert len(frames) == (5 if isinstance(space, spaces.Box) else 6)


@pytest.mark.parametrize(
    ("codec", "num_plans", "expected"),
    [
        (BOX, 64, NAMES[:5]),
        (THREE, 64, (*NAMES[:4], "categorical", "beam_search")),
        (ActionCodec(spaces.MultiDiscrete([9, 9])), 64, (*NAMES[:4], "categorical")),
        (ActionCodec(spaces.Tuple([spaces.Discrete(2), BOX.space])), 64, NAMES[:5]),
    ],
)
def test_only_those_that_fit_the_actions_take_part(
    codec: ActionCodec, num_plans: int, expected: tuple[str, ...]
) -> None:
    assert fitting_names(codec, PlanBudget(num_candidates=num_plans, num_iterations=1)) == expected


def test_hand_worked() -> None:
    """64 plans: 37 + 28 for ICEM are too many, 36 + 27 are not; 4 ways of 7 double steps and a last look are 60."""
    budget = PlanBudget(horizon=4, num_candidates=32, num_iterations=2)
    icem = equal_method("icem", BOX, budget)
    assert isinstance(icem, ICEM)
    assert [icem.num_new(0), icem.num_new(1)] == [36, 27]
    gradient = equal_method("gradient", BOX, budget)
    assert isinstance(gradient, GradientDescent)
    assert (gradient.num_restarts, gradient.num_iterations) == (4, 7)
    beams = equal_method("beam_search", THREE, budget)  # 3 + 9 + 27 + 81 = 120 frames of 256 with every beam kept
    assert isinstance(beams, BeamSearch)
    assert beams.num_beams >= 27


def test_single_planners_take_settings_of_their_own() -> None:
    method = equal_method("cross_entropy", BOX, PlanBudget(), {"num_knots": 2, "num_elites": 5})
    assert isinstance(method, CrossEntropy)
    assert (method.num_knots, method.num_elites, method.horizon) == (2, 5, PlanBudget().horizon)


@pytest.mark.parametrize(
    ("name", "codec", "message"),
    [
        ("cem", BOX, "`planners` must be among random_shooting, .*, got 'cem'"),
        ("categorical", BOX, "`planners` must be among .*mppi, gradient, which fit the actions, Box"),
        ("gradient", THREE, "`planners` must be among .*beam_search, which fit the actions, Discrete"),
    ],
)
def test_a_planner_that_does_not_fit_is_refused(name: str, codec: ActionCodec, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        equal_method(name, codec, PlanBudget())


def test_settings_of_a_planner_that_does_not_take_part_are_refused() -> None:
    assert list(equal_methods(["icem", "mppi"], BOX, PlanBudget(), {"mppi": {"temperature": 2.0}})) == ["icem", "mppi"]
    with pytest.raises(ValueError, match="`planner_settings` must be for icem, got mppi"):
        equal_methods(["icem"], BOX, PlanBudget(), {"mppi": {"temperature": 2.0}})


@pytest.mark.parametrize("wrong", [{"horizon": 0}, {"num_candidates": 3}, {"num_iterations": 0}])
def test_numbers_out_of_range_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must be at least"):
        PlanBudget(**wrong)
