"""Claims about planning problems."""

from __future__ import annotations

import pytest
import torch

from tests.agents.planning.analytic_problems import closeness, make_problem, rng
from tests.envs.random_world import random_world
from vdworld.agents import Planner, PlanningProblem, RandomShooting


def test_a_new_problem_has_no_method_state_and_keeps_the_best_plan() -> None:
    target = torch.full((1, 3, 1), 0.5)
    problem = make_problem(torch.zeros(1, 3, 1), closeness(target), rng())
    assert (problem.method_state, problem.elapsed) == ({}, None)
    scores = problem.score(torch.stack([target + 0.25, target + 3.0], dim=1))
    assert problem.best_plan.flatten().tolist() == [0.75] * 3
    torch.testing.assert_close(scores, torch.tensor([[-3 * 0.0625, -3 * 0.25]]))  # 3.5 is rated as the bound, 1
    assert problem.best_score.item() == scores.max()


def test_wrong_arguments_are_refused() -> None:
    problem = make_problem(torch.zeros(1, 3, 1), closeness(torch.zeros(1, 3, 1)), rng())
    with pytest.raises(ValueError, match="`evaluator` must be given for a method that looks into dreams"):
        _ = problem.evaluator
    with pytest.raises(ValueError, match="`evaluator` or `score_function` must be given, and not both"):
        PlanningProblem(problem.guess, codec=problem.codec, rng=problem.rng)
    world = random_world()
    planner = Planner(world, RandomShooting(2, 4), lambda rollout, goal: rollout.rewards)
    with pytest.raises(ValueError, match=r"`objective` must return one score per lane, shape \[8\], got \[8, 2\]"):
        planner.plan(world.sample_start(2))
