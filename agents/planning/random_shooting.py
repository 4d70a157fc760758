"""Random shooting: the simplest planning method."""

from __future__ import annotations

import torch

from vdworld.agents.checks import check_counts
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.types import Actions


class RandomShooting:
    """Sample plans uniformly, and take the best (Nagabandi et al. 2018, section IV-C).

    Args:
        horizon: Length of a plan in steps.
        num_candidates: Plans to score, the guess among them.
    """

    def __init__(self, horizon: int = 8, num_candidates: int = 192) -> None:
        check_counts(horizon=horizon, num_candidates=num_candidates)
        self.horizon, self.num_candidates = horizon, num_candidates

    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best plan scored, ``[b, t, a]``."""
        b, t, a = problem.guess.shape
        samples = torch.rand(b, self.num_candidates - 1, t, a, generator=problem.rng).to(problem.guess) * 2 - 1
        problem.score(torch.cat([problem.guess[:, None], samples], dim=1))
        return problem.best_plan
