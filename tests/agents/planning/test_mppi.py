from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tests.agents.planning.analytic_problems import make_problem, rng
from vdworld.agents import MPPI


def test_one_iteration_by_hand() -> None:
    """Of three candidates the two elites weigh 1 and exp(-temperature), and the third nothing."""
    scored: list[torch.Tensor] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        scored.append(plans)
        return torch.tensor([[5.0, 7.0, 8.0]])

    plan = MPPI(2, 3, 1, num_elites=2, temperature=0.5).plan(make_problem(torch.zeros(1, 2, 1), score, rng()))
    light = math.exp(-0.5)
    torch.testing.assert_close(plan[0], (scored[0][0, 2] + light * scored[0][0, 1]) / (1 + light))


def test_the_next_iteration_samples_around_the_weighted_elites() -> None:
    scored: list[torch.Tensor] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        scored.append(plans)
        return plans[:, :, 0, 0]

    MPPI(1, 4000, 2, num_elites=2, temperature=0.0, std_min=0.3).plan(make_problem(torch.zeros(1, 1, 1), score, rng()))
    mean = scored[0].topk(2, dim=1).values.mean()
    assert scored[1][0, 0, 0, 0] == mean  # the mean is tried first
    drawn = scored[1][0, 1:, 0, 0]
    below = drawn[drawn < 0.99]  # the others are clamped at the bound
    assert (mean - below.quantile(2 * 0.1587 * len(drawn) / len(below) / 2)).item() == pytest.approx(0.3, abs=0.03)


def test_the_deviation_begins_at_its_upper_limit_and_stays_below() -> None:
    """Elites at both ends have a deviation of twice the limit."""
    scored: list[torch.Tensor] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        scored.append(plans)
        return plans[:, :, 0, 0].abs()

    method = MPPI(1, 4000, 2, num_elites=400, temperature=0.0, std_max=0.2)
    method.plan(make_problem(torch.zeros(1, 1, 1), score, rng()))
    assert scored[0].topk(200, dim=1).values.mean() > 0.3
    for plans in scored:
        assert plans.std().item() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("temperature", [0.0, 1000.0])
def test_a_high_temperature_follows_the_best_plan_alone(temperature: float) -> None:
    scored: list[Any] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        scored.append(plans)
        return plans.sum(dim=(-2, -1))

    method = MPPI(2, 10, 1, num_elites=10, temperature=temperature)
    plan = method.plan(make_problem(torch.zeros(1, 2, 1), score, rng()))
    best = scored[0][0, scored[0].sum(dim=(-2, -1)).argmax()]
    expected = best if temperature else scored[0][0].mean(dim=0)
    torch.testing.assert_close(plan[0], expected, rtol=0, atol=1e-3)
