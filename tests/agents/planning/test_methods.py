"""Claims about all methods, on problems with a known solution."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import pytest
import torch

from tests.agents.planning.analytic_problems import closeness, make_problem, rng
from vdworld.agents import ICEM, MPPI, CrossEntropy, GradientDescent, PlanningMethod, RandomShooting

CONTINUOUS = [
    (CrossEntropy(4, 100, 8, num_elites=10), 0.2),
    (ICEM(4, 100, 8, num_elites=10), 0.2),
    (MPPI(4, 100, 8, num_elites=10), 0.1),
    (GradientDescent(4, num_iterations=40, learning_rate=0.1), 0.05),
    (RandomShooting(2, 3000), 0.35),
]
SMALL = [
    CrossEntropy(3, 12, 2, num_elites=4),
    ICEM(3, 12, 2, num_elites=4),
    MPPI(3, 12, 2, num_elites=4),
    GradientDescent(3, 3, 2),
    RandomShooting(3, 12),
]


def named(value: Any) -> str:
    return type(value).__name__ if isinstance(value, PlanningMethod) else str(value)


@pytest.mark.parametrize(("method", "tolerance"), CONTINUOUS, ids=named)
def test_the_optimum_of_a_quadratic_is_found_in_every_lane(method: PlanningMethod, tolerance: float) -> None:
    target = torch.rand(3, method.horizon, 2, generator=rng(1)) * 1.6 - 0.8
    plan = method.plan(make_problem(torch.zeros_like(target), closeness(target), rng()))
    assert (plan - target).abs().max() < tolerance


@pytest.mark.parametrize("method", SMALL, ids=named)
def test_plans_beyond_the_bounds_are_neither_scored_nor_returned(method: PlanningMethod) -> None:
    scored: list[torch.Tensor] = []
    target = torch.full((2, 3, 1), 1.7)

    def score(plans: torch.Tensor) -> torch.Tensor:
        scored.append(plans.detach())
        return closeness(target)(plans)

    plan = method.plan(make_problem(torch.full((2, 3, 1), 5.0), score, rng()))
    assert plan.abs().max() <= 1
    assert all(plans.abs().max() <= 1 for plans in scored)


@pytest.mark.parametrize("method", SMALL, ids=named)
def test_a_choice_is_one_hot_when_it_is_scored(method: PlanningMethod) -> None:
    space = gym.spaces.Tuple([gym.spaces.Discrete(3), gym.spaces.Box(-1, 1, (1,))])

    def score(plans: torch.Tensor) -> torch.Tensor:
        choice = plans.detach()[..., :3]
        assert torch.equal(choice.sort(dim=-1).values, torch.tensor([0.0, 0, 1]).expand_as(choice))
        return plans[..., 2].sum(dim=-1) - (plans[..., 3] - 0.5).square().sum(dim=-1)

    plan = method.plan(make_problem(torch.zeros(2, 3, 4), score, rng(), space=space))
    assert plan.shape == (2, 3, 4)


@pytest.mark.parametrize("method", SMALL, ids=named)
def test_an_optimal_guess_is_scored(method: PlanningMethod) -> None:
    target = torch.rand(2, 3, 1, generator=rng(1)) - 0.5
    problem = make_problem(target, closeness(target), rng())
    method.plan(problem)
    torch.testing.assert_close(problem.best_plan, target)
    assert problem.best_score.abs().max() < 1e-9


@pytest.mark.parametrize("method", SMALL, ids=named)
def test_a_seed_repeats_a_search(method: PlanningMethod) -> None:
    target = torch.full((1, 3, 1), 0.3)
    plans = [method.plan(make_problem(torch.zeros(1, 3, 1), closeness(target), rng(seed))) for seed in (3, 3, 4)]
    assert torch.equal(plans[0], plans[1])
    assert not torch.equal(plans[0], plans[2])


@pytest.mark.parametrize("method", SMALL, ids=named)
def test_a_score_of_nan_never_wins(method: PlanningMethod) -> None:
    def score(plans: torch.Tensor) -> torch.Tensor:
        scores = -(plans - 0.2).square().sum(dim=(-2, -1))
        return torch.where(plans[:, :, 0, 0] > 0.5, torch.nan, scores)

    plan = method.plan(make_problem(torch.zeros(1, 3, 1), score, rng()))
    assert plan.isfinite().all()
    assert plan[0, 0, 0] <= 0.5


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        (RandomShooting, {"num_candidates": 0}, "`num_candidates` must be at least 1, got 0"),
        (ICEM, {"shrink": 0.5}, "`shrink` must be at least 1, got 0.5"),
        (ICEM, {"num_elites": 40}, r"`num_elites` must lie in 2\.\.32 \(half of `num_candidates`\)"),
        (ICEM, {"keep": 1.5}, r"`keep` must lie in \[0, 1\], got 1.5"),
        (MPPI, {"horizon": 0}, "`horizon` must be at least 1, got 0"),
        (MPPI, {"num_elites": 65}, r"`num_elites` must lie in 1\.\.64"),
        (MPPI, {"temperature": -1.0}, "`temperature` must not be negative"),
        (MPPI, {"std_min": 3.0}, r"`std_min` must lie in \[0, 1.0\]"),
        (GradientDescent, {"learning_rate": 0.0}, "`learning_rate` must be positive, got 0"),
        (GradientDescent, {"num_restarts": 0}, "`num_restarts` must be at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(method: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        method(**settings)
