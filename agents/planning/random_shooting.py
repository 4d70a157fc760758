"""Random shooting: the least that a planner can do."""

from __future__ import annotations

import torch

from vdworld.agents.planning.checks import check_counts
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.types import Actions


class RandomShooting:
    """Score plans drawn uniformly from all there are, and take the best (Nagabandi et al. 2018, section IV-C).

    Args:
        horizon: Length of a plan in steps.
        num_candidates: Plans to draw; the guess is one of them.
    """

    def __init__(self, horizon: int = 8, num_candidates: int = 192) -> None:
        check_counts(horizon=horizon, num_candidates=num_candidates)
        self.horizon, self.num_candidates = horizon, num_candidates

    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best plan scored, ``[b, t, a]``."""
        b, t, a = problem.guess.shape
        drawn = torch.rand(b, self.num_candidates - 1, t, a, generator=problem.rng).to(problem.guess) * 2 - 1
        problem.score(torch.cat([problem.guess[:, None], drawn], dim=1))
        return problem.best_plan
