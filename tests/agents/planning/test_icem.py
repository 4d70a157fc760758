from __future__ import annotations

import pytest
import torch

from tests.agents.planning.analytic_problems import closeness, make_problem, rng
from vdworld.agents import ICEM
from vdworld.agents.planning.icem import noise_filter
from vdworld.agents.planning.problem import shift_plans


@pytest.mark.parametrize("horizon", [1, 2, 7, 8])
@pytest.mark.parametrize("beta", [0.0, 2.0])
def test_every_step_of_the_noise_has_unit_variance(horizon: int, beta: float) -> None:
    matrix = noise_filter(horizon, beta)
    torch.testing.assert_close((matrix @ matrix.T).diagonal(), torch.ones(horizon))


@pytest.mark.parametrize(("beta", "octave"), [(0.0, 1.0), (1.0, 2.0), (2.0, 4.0)])
def test_the_power_of_the_noise_falls_with_its_frequency(beta: float, octave: float) -> None:
    """Twice the frequency has 2 to the -beta of the power; the mean has as much as the slowest wave."""
    power = torch.fft.fft(noise_filter(16, beta), dim=0).norm(dim=1).square()
    assert (power[1] / power[2]).item() == pytest.approx(octave, rel=1e-4)
    assert (power[4] / power[8]).item() == pytest.approx(octave, rel=1e-4)
    assert (power[0] / power[1]).item() == pytest.approx(1, rel=1e-4)


def test_iterations_have_fewer_new_plans_each_and_the_last_one_scores_the_mean() -> None:
    batches: list[torch.Tensor] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        batches.append(plans)
        return closeness(torch.full((2, 4, 1), 0.5))(plans)

    ICEM(4, 60, 4, num_elites=16, keep=0.25).plan(make_problem(torch.zeros(2, 4, 1), score, rng()))
    assert [plans.shape[1] for plans in batches] == [60, 46, 35, 32]  # 60 / 1.3, / 1.69, and not below 2 x 16
    spread = batches[-1].flatten(0, 1).std(dim=0).mean()
    mean_sample = batches[-1][:, :-1].mean(dim=1)
    assert (batches[-1][:, -1] - mean_sample).abs().max() < spread  # it lies in the middle of the others
    assert not any((plans == batches[-1][:, -1:]).all(dim=(2, 3)).any() for plans in batches[:-1])


def test_the_best_plans_remain_candidates_without_being_scored_again() -> None:
    """With nothing but bad luck after the first iteration, its elites are still those of the last one."""
    calls: list[torch.Tensor] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        calls.append(plans)
        return closeness(torch.zeros(1, 3, 1))(plans) - (100.0 if len(calls) > 1 else 0.0)

    problem = make_problem(torch.full((1, 3, 1), 0.9), score, rng())
    plan = ICEM(3, 20, 3, num_elites=4, keep=0.5).plan(problem)
    first = calls[0][0][closeness(torch.zeros(1, 3, 1))(calls[0])[0].topk(2).indices]
    assert torch.equal(problem.method_state["elites"][0], first)
    assert torch.equal(plan[0], first[0])
    assert not any((plans == first[0]).all(dim=(2, 3)).any() for plans in calls[1:])


def test_elites_return_without_the_executed_steps() -> None:
    batches: list[torch.Tensor] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        batches.append(plans)
        return closeness(torch.zeros(2, 4, 1))(plans)

    method = ICEM(4, 20, 2, num_elites=5, keep=0.4)
    first = make_problem(torch.zeros(2, 4, 1), score, rng())
    method.plan(first)
    elites = first.method_state["elites"]
    assert elites.shape == (2, 2, 4, 1)
    batches.clear()
    method.plan(make_problem(torch.zeros(2, 4, 1), score, rng(1), elapsed=3, method_state=dict(first.method_state)))
    assert torch.equal(batches[0][:, -2:], elites[:, :, [3, 3, 3, 3]])
    assert torch.equal(shift_plans(elites, 3), elites[:, :, [3, 3, 3, 3]])
    assert torch.equal(shift_plans(elites, 1), elites[:, :, [1, 2, 3, 3]])
    assert torch.equal(shift_plans(elites, 4), elites[:, :, [3, 3, 3, 3]])
