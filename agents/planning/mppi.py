"""MPPI: a weighted average of plans, in which better ones weigh more."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.agents.checks import check_counts, check_not_negative
from vdworld.agents.planning.elites import check_elites, select_elites
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.types import Actions


class MPPI:
    """Model-predictive path integral control, with the weights of TD-MPC2 (Williams et al. 2015; Hansen et al. 2024).

    A Gaussian is refitted to the elites of its samples with weights ``exp(temperature * (score - best score))``, and
    its mean is the plan. TD-MPC2 uses 512 samples, 64 elites and 6 iterations from a standard deviation of 2, which is
    too expensive in dreams; its horizon is 3, with a value of the last state (``Return(value=...)``).

    Args:
        horizon: Length of a plan in steps.
        num_candidates: Plans per iteration, the mean among them.
        num_iterations: How often the Gaussian is refitted.
        num_elites: Number of best plans with a weight; the others have none.
        temperature: How much more a better plan weighs, per unit of score; in fact an inverse temperature.
        std_min: Lower limit of the standard deviation, in encoded units, where actions span [-1, 1].
        std_max: Its first value and upper limit.
    """

    def __init__(
        self,
        horizon: int = 8,
        num_candidates: int = 64,
        num_iterations: int = 3,
        *,
        num_elites: int = 8,
        temperature: float = 0.5,
        std_min: float = 0.05,
        std_max: float = 1.0,
    ) -> None:
        check_counts(horizon=horizon, num_candidates=num_candidates, num_iterations=num_iterations)
        check_elites(num_elites, num_candidates)
        check_not_negative(temperature=temperature)
        if not 0 <= std_min <= std_max:
            raise ValueError(f"`std_min` must lie in [0, {std_max}] (`std_max`), got {std_min}.")
        self.horizon, self.num_candidates, self.num_iterations = horizon, num_candidates, num_iterations
        self.num_elites, self.temperature = num_elites, temperature
        self.std_min, self.std_max = std_min, std_max

    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the mean of the last Gaussian, ``[b, t, a]``; its score is not computed."""
        return self.search(problem, problem.guess[:, None][:, :0])

    @torch.no_grad()
    def search(self, problem: PlanningProblem, proposals: Tensor) -> Actions:
        """Plan with proposals ``[b, m, t, a]`` among the candidates of every iteration; see ``plan``."""
        mean, std = problem.guess.clamp(-1, 1), torch.full_like(problem.guess, self.std_max)
        proposal_scores = problem.score(proposals) if proposals.shape[1] else mean[:, :0, 0]
        for _ in range(self.num_iterations):
            noise = problem.normal(self.num_candidates - proposals.shape[1] - 1, *mean.shape[1:])
            samples = (mean[:, None] + std[:, None] * noise).clamp(-1, 1)
            new = torch.cat([mean[:, None], samples], dim=1)
            scores = torch.cat([proposal_scores, problem.score(new)], dim=1)
            elites, elite_scores = select_elites(torch.cat([proposals, new], dim=1), scores, self.num_elites)
            weights = (self.temperature * elite_scores).softmax(dim=1)[:, :, None, None]
            mean = (weights * elites).sum(dim=1)
            std = (weights * (elites - mean[:, None]).square()).sum(dim=1).sqrt().clamp(self.std_min, self.std_max)
        return mean
