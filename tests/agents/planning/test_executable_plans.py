"""Claims about whole numbers and choices: what a method rates and returns is what an environment executes."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from tests.agents.planning.analytic_problems import make_problem, rng
from vdworld.agents.planning import (
    ICEM,
    MPPI,
    CategoricalCrossEntropy,
    CrossEntropy,
    GradientDescent,
    PlanningMethod,
    RandomShooting,
)
from vdworld.spaces import ActionCodec

SWITCHES = spaces.MultiBinary(2)
LEVELS = spaces.Box(np.array([0, -3]), np.array([2, 5]), dtype=np.int64)
SPACES = [
    pytest.param(space, id=name)
    for name, space in {
        "switches": SWITCHES,
        "levels": LEVELS,
        "multi-discrete": spaces.MultiDiscrete([2, 3], start=[1, -1]),
        "dict": spaces.Dict({"press": SWITCHES, "push": spaces.Box(-1, 1, (1,)), "level": LEVELS}),
        "tuple": spaces.Tuple([LEVELS, spaces.Discrete(3), spaces.Tuple([SWITCHES])]),
    }.items()
]
METHODS = [
    RandomShooting(3, 16),
    CrossEntropy(3, 16, 2, num_elites=4),
    ICEM(3, 16, 2, num_elites=4),
    MPPI(3, 16, 2, num_elites=4),
    GradientDescent(3, num_restarts=2, num_iterations=2),
]


def assert_executable(codec: ActionCodec, plans: torch.Tensor) -> None:
    torch.testing.assert_close(codec.encode(codec.decode(plans)), plans, rtol=0, atol=1e-6)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_only_what_can_be_executed_is_rated(method: PlanningMethod, space: gym.Space) -> None:
    codec, rated = ActionCodec(space), []

    def score(plans: torch.Tensor) -> torch.Tensor:
        rated.append(plans.detach())
        return -(plans - 0.1).square().sum(dim=(-2, -1))  # best at a place between whole numbers

    problem = make_problem(torch.zeros(2, 3, codec.dim), score, rng(), space=space)
    method.plan(problem)
    assert rated
    for plans in (*rated, problem.best_plan):
        assert_executable(codec, plans)
    torch.testing.assert_close(problem.best_score, score(problem.best_plan[:, None])[:, 0])


def test_a_method_for_choices_rates_what_can_be_executed() -> None:
    space = spaces.Tuple([SWITCHES, spaces.MultiDiscrete([2, 3], start=[1, -1])])
    codec = ActionCodec(space)

    def score(plans: torch.Tensor) -> torch.Tensor:
        assert_executable(codec, plans)
        return plans.sum(dim=(-2, -1))

    problem = make_problem(torch.zeros(1, 3, codec.dim), score, rng(), space=space)
    plan = CategoricalCrossEntropy(3, 64, 4).plan(problem)
    assert plan[0, :, :2].tolist() == [[1, 1]] * 3


def test_gradients_move_whole_numbers() -> None:
    """The best level is two steps from the guess, and a step of the gradient covers a fraction of one."""
    space = spaces.Box(0, 10, (1,), np.int64)
    problem = make_problem(torch.full((1, 2, 1), -0.4), lambda plans: plans.sum(dim=(-2, -1)), rng(), space=space)
    plan = GradientDescent(2, num_restarts=1, num_iterations=8, learning_rate=0.1).plan(problem)
    assert ActionCodec(space).decode(plan).flatten().tolist() == [7, 7]
