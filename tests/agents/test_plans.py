"""Claims about plans, their scores and their costs; the world is a line that is known exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vdworld.agents import CrossEntropy, Planner, PlanningProblem
from vdworld.types import Actions
from vdworld.world import Rollout


def test_a_plan_holds_its_score_and_its_cost(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    planner = Planner(world, CrossEntropy(horizon=4, num_candidates=16, num_iterations=3), num_sampling_steps=2)
    state = world.start(frames_at(-0.4, 0.2)[:, None])
    plan = planner.plan(state)
    rollout = world.rollout(state, plan.actions, encoded=True)
    torch.testing.assert_close(plan.scores, rollout.rewards.sum(dim=1))
    assert plan.num_evaluations == 2 * 16 * 3 * 4 * (2 + 1)  # two sampling steps, and a pass for the reward
    assert 0 < plan.seconds < 60
    assert planner.last_plan is None  # it did not act
    planner.act(frames_at(0.0))
    assert planner.last_plan is not None
    assert (planner.num_plans, planner.num_imagined) == (2, 3 * 16 * 3 * 4)
    assert planner.num_evaluations == plan.num_evaluations + planner.last_plan.num_evaluations
    assert planner.seconds == pytest.approx(plan.seconds + planner.last_plan.seconds)


class Fixed:
    """A method that scores nothing, and leaves the bounds."""

    horizon = 3

    def plan(self, problem: PlanningProblem) -> Actions:
        return torch.full_like(problem.guess, 2.0)


class Short(Fixed):
    """One that forgets a step."""

    def plan(self, problem: PlanningProblem) -> Actions:
        return problem.guess[:, 1:]


def test_a_plan_that_the_method_did_not_score_is_made_legal_and_scored(
    make_line: Callable, frames_at: Callable
) -> None:
    world = make_line()
    state = world.start(frames_at(0.0)[:, None])
    plan = Planner(world, Fixed()).plan(state)
    assert plan.actions.flatten().tolist() == [1, 1, 1]
    assert plan.scores.item() == pytest.approx(-(0.4**2 + 0.2**2), abs=1e-5)
    assert plan.num_evaluations == 3 * 2


def test_a_plan_of_another_length_is_refused(make_line: Callable, frames_at: Callable) -> None:
    with pytest.raises(
        ValueError, match=r"`plan` of Short must return one plan per lane, \[1, 3, 1\], got \[1, 2, 1\]"
    ):
        Planner(make_line(), Short()).act(frames_at(0.0))


def test_risk_aversion_avoids_a_gamble(make_line: Callable, frames_at: Callable) -> None:
    """Going right pays a little more on average and much less certainly than staying; the objective sees the seeds."""

    def objective(rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
        lucky = rollout.state.seed % 2 * 2.0 - 1
        right = rollout.frames[:, -1, 0, 0, 0]
        return right * (1 + 10 * lucky)

    world = make_line()
    state = world.start(frames_at(0.0)[:, None])
    seeds = state.repeat(64, noise="independent").seed % 2 * 2.0 - 1
    assert seeds.mean() > -0.1  # the gamble pays on average
    settings: dict[str, Any] = {"num_particles": 64, "max_batch": 1000}
    bold = Planner(world, CrossEntropy(horizon=2), objective, **settings).plan(state)
    wary = Planner(world, CrossEntropy(horizon=2), objective, risk=1.0, **settings).plan(state)
    assert bold.actions.mean() > 0.5
    assert wary.actions.sum().abs() < 0.2


def test_no_graph_is_kept_in_a_world_that_still_trains(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    world.network.moves = torch.ones(1, requires_grad=True)
    requires_grad: list[bool] = []

    def objective(rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
        requires_grad.append(rollout.frames.requires_grad)
        return rollout.rewards.sum(dim=1)

    Planner(world, CrossEntropy(horizon=2, num_iterations=1), objective).act(frames_at(0.0))
    assert requires_grad == [False]


def test_candidates_of_a_lane_share_its_noise(make_line: Callable, frames_at: Callable) -> None:
    noises: list[torch.Tensor] = []
    world = make_line()
    forward = world.network.forward
    world.network.forward = lambda noisy, *rest: noises.append(noisy) or forward(noisy, *rest)
    Planner(world, CrossEntropy(horizon=1, num_candidates=8, num_iterations=1)).act(frames_at(0.0, 0.0))
    (noise,) = noises
    lanes = noise.reshape(2, 8, -1)
    assert torch.equal(lanes, lanes[:, :1].expand_as(lanes))
    assert not torch.equal(lanes[0], lanes[1])
