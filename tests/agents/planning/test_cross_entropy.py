from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.agents.planning.analytic_problems import closeness, make_problem, rng
from vdworld.agents import CrossEntropy
from vdworld.agents.planning.cross_entropy import knot_weights


def test_the_optimum_of_a_quadratic_is_found_in_every_lane() -> None:
    target = torch.rand(3, 4, 2, generator=rng(1)) * 1.6 - 0.8
    method = CrossEntropy(horizon=4, num_candidates=200, num_iterations=12, num_elites=20)
    plan = method.plan(make_problem(torch.zeros(3, 4, 2), closeness(target), rng()))
    assert (plan - target).abs().max() < 0.15


@pytest.mark.parametrize("num_knots", [1, 2, 3, 5])
def test_few_knots_find_what_straight_lines_can_reach(num_knots: int) -> None:
    knots = torch.rand(2, num_knots, 2, generator=rng(1)) * 1.6 - 0.8
    target = knot_weights(8, num_knots) @ knots
    method = CrossEntropy(horizon=8, num_candidates=200, num_iterations=12, num_elites=20, num_knots=num_knots)
    plan = method.plan(make_problem(torch.zeros(2, 8, 2), closeness(target), rng()))
    assert (plan - target).abs().max() < 0.15
    if num_knots == 1:
        assert torch.equal(plan, plan[:, :1].expand_as(plan))


def test_plans_keep_within_the_bounds() -> None:
    batches: list[torch.Tensor] = []
    target = torch.full((1, 3, 1), 1.7)

    def score(plans: torch.Tensor) -> torch.Tensor:
        batches.append(plans)
        return closeness(target)(plans)

    plan = CrossEntropy(horizon=3, num_candidates=60, num_iterations=8).plan(
        make_problem(torch.zeros(1, 3, 1), score, rng())
    )
    assert all(plans.abs().max() <= 1 for plans in batches)
    assert (plan > 0.97).all()
    beyond = CrossEntropy(horizon=3, num_iterations=1).plan(make_problem(torch.full((1, 3, 1), 5.0), score, rng()))
    assert beyond.abs().max() <= 1


def test_the_result_is_the_best_plan_ever_scored() -> None:
    target, best = torch.rand(2, 5, 1, generator=rng(1)) * 2 - 1, []

    def score(plans: torch.Tensor) -> torch.Tensor:
        scores = closeness(target)(plans)
        best.append(scores.amax(dim=1))
        return scores

    method = CrossEntropy(horizon=5, num_candidates=16, num_iterations=6, keep=0)
    plan = method.plan(make_problem(torch.zeros(2, 5, 1), score, rng()))
    torch.testing.assert_close(closeness(target)(plan[:, None])[:, 0], torch.stack(best).amax(dim=0))


def test_another_iteration_never_makes_the_plan_worse() -> None:
    target = torch.rand(4, 6, 2, generator=rng(1)) * 2 - 1
    scores = [
        closeness(target)(
            CrossEntropy(6, 24, n, keep=0).plan(make_problem(torch.zeros(4, 6, 2), closeness(target), rng()))[:, None]
        )
        for n in range(1, 7)
    ]
    assert all((later >= earlier - 1e-6).all() for earlier, later in zip(scores[:-1], scores[1:], strict=True))
    assert (scores[-1] > scores[0]).all()


def test_an_optimal_guess_is_kept() -> None:
    target = torch.rand(1, 4, 2, generator=rng(1)) - 0.5
    plan = CrossEntropy(horizon=4, num_candidates=8, num_iterations=2, num_elites=4).plan(
        make_problem(target, closeness(target), rng())
    )
    torch.testing.assert_close(plan, target, rtol=0, atol=1e-5)


def test_every_iteration_scores_all_candidates_and_carries_elites_over() -> None:
    batches: list[torch.Tensor] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        batches.append(plans)
        return plans.sum(dim=(-2, -1))

    CrossEntropy(horizon=3, num_candidates=10, num_iterations=3, num_elites=4, keep=2).plan(
        make_problem(torch.zeros(2, 3, 1), score, rng())
    )
    assert [plans.shape for plans in batches] == [(2, 10, 3, 1)] * 3
    for earlier, later in zip(batches[:-1], batches[1:], strict=True):
        order = earlier.sum(dim=(-2, -1)).argsort(dim=1, descending=True)[:, :2]
        for lane in range(2):
            torch.testing.assert_close(later[lane, :2], earlier[lane, order[lane]])


def test_a_seed_repeats_its_search() -> None:
    target = torch.zeros(1, 4, 1)
    plans = [
        CrossEntropy(4).plan(make_problem(torch.ones(1, 4, 1), closeness(target), rng(seed))) for seed in (3, 3, 4)
    ]
    assert torch.equal(plans[0], plans[1])
    assert not torch.equal(plans[0], plans[2])


@pytest.mark.parametrize("num_knots", [1, 2, 3, 7, 8])
def test_each_step_is_an_average_of_knots_and_the_ends_are_knots(num_knots: int) -> None:
    lines = knot_weights(8, num_knots)
    assert lines.shape == (8, num_knots)
    assert (lines >= 0).all()
    torch.testing.assert_close(lines.sum(dim=1), torch.ones(8))
    assert (lines > 1e-6).sum(dim=1).max() <= 2
    torch.testing.assert_close(lines[[0, -1]], torch.eye(num_knots)[[0, -1]], rtol=0, atol=1e-6)


def test_knot_weights_by_hand() -> None:
    torch.testing.assert_close(
        knot_weights(5, 3), torch.tensor([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]])
    )
    torch.testing.assert_close(knot_weights(4, 4), torch.eye(4))


def test_anchored_knot_weights_by_hand() -> None:
    lines = knot_weights(4, 2, anchored=True)
    torch.testing.assert_close(lines, torch.tensor([[0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]]))
    torch.testing.assert_close(knot_weights(7, 3, anchored=True).sum(dim=1), torch.ones(7))


@pytest.mark.parametrize("num_knots", [1, 3, 6])
def test_an_anchored_plan_leaves_from_the_last_action_in_a_straight_line(num_knots: int) -> None:
    anchor, target = torch.tensor([[-0.8], [0.4]]), torch.full((2, 6, 1), 0.9)
    method = CrossEntropy(6, 100, 8, num_knots=num_knots, anchored=True)
    plan = method.plan(make_problem(torch.zeros(2, 6, 1), closeness(target), rng(), anchor))
    line = torch.cat([anchor[:, None], plan], dim=1)[:, : 6 // num_knots + 1]
    torch.testing.assert_close(line.diff(dim=1).diff(dim=1), torch.zeros_like(line[:, 2:]), rtol=0, atol=1e-5)
    assert plan.abs().max() <= 1
    assert (plan[:, -1] > 0.7).all()


def test_without_a_last_action_an_anchored_search_is_a_free_one() -> None:
    target = torch.full((1, 4, 1), 0.5)
    plans = [
        CrossEntropy(4, anchored=anchored).plan(make_problem(torch.zeros(1, 4, 1), closeness(target), rng()))
        for anchored in (True, False)
    ]
    assert torch.equal(plans[0], plans[1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizon": 0}, "`horizon` must be at least 1, got 0"),
        ({"num_iterations": 0}, "`num_iterations` must be at least 1, got 0"),
        ({"num_candidates": 4, "num_elites": 5}, r"`num_elites` must lie in 2\.\.4 \(`num_candidates`\), got 5"),
        ({"num_elites": 1}, r"`num_elites` must lie in 2\.\.64"),
        ({"horizon": 4, "num_knots": 5}, r"`num_knots` must lie in 1\.\.4 \(`horizon`\), got 5"),
        ({"keep": -1}, "`keep` must be at least 0, got -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CrossEntropy(**settings)
