"""iCEM: the cross-entropy method for few samples."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.agents.checks import check_counts, check_shares
from vdworld.agents.planning.elites import select_elites
from vdworld.agents.planning.problem import PlanningProblem, shift_plans
from vdworld.types import Actions


class ICEM:
    """Refit a Gaussian to the best of its samples, with noise coloured along time (Pinneri et al. 2020, Algorithm 1).

    As there, every iteration has fewer samples, elites remain candidates and return in the next plan, and the mean is
    a candidate of the last iteration. An elite is not scored twice, since all dreams of a problem share their noise.

    Args:
        horizon: Length of a plan in steps.
        num_candidates: New plans in the first iteration, the elites of the last plan among them.
        num_iterations: How often the Gaussian is refitted.
        num_elites: Number of best plans that the Gaussian is refitted to.
        beta: Exponent of the noise: its power falls as frequency to the minus `beta`; 0 is white noise.
        shrink: Factor by which the number of new plans falls per iteration, down to twice the elites.
        keep: Share of the elites that remain candidates, and that return in the next plan.
        std: Standard deviation of the first samples, in encoded units, where actions span [-1, 1].
        std_min: Lower limit of the standard deviation.
        momentum: Share of the old mean and standard deviation in the new ones.
    """

    def __init__(
        self,
        horizon: int = 8,
        num_candidates: int = 64,
        num_iterations: int = 3,
        *,
        num_elites: int = 8,
        beta: float = 2.0,
        shrink: float = 1.3,
        keep: float = 0.3,
        std: float = 0.5,
        std_min: float = 0.05,
        momentum: float = 0.1,
    ) -> None:
        check_counts(horizon=horizon, num_candidates=num_candidates, num_iterations=num_iterations)
        if shrink < 1:
            raise ValueError(f"`shrink` must be at least 1, got {shrink}.")
        if not 1 < num_elites <= num_candidates // 2:
            raise ValueError(
                f"`num_elites` must lie in 2..{num_candidates // 2} (half of `num_candidates`), got {num_elites}."
            )
        check_shares(keep=keep, momentum=momentum)
        self.horizon, self.num_iterations, self.num_elites = horizon, num_iterations, num_elites
        self.num_candidates, self.shrink, self.num_kept = num_candidates, shrink, round(keep * num_elites)
        self.beta, self.std, self.std_min, self.momentum = beta, std, std_min, momentum

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best plan scored, ``[b, t, a]``."""
        colour = noise_filter(self.horizon, self.beta).to(problem.guess)
        mean, std = problem.guess.clamp(-1, 1), torch.full_like(problem.guess, self.std)
        kept, kept_scores = mean[:, None][:, :0], mean[:, :0, 0]  # none yet: [b, 0, t, a] and [b, 0]
        for i in range(self.num_iterations):
            special = [self._first_elites(problem)] if i == 0 else []
            special += [mean[:, None]] if i == self.num_iterations - 1 else []
            count = self.num_new(i) - sum(plans.shape[1] for plans in special)
            noise = colour @ problem.normal(count, *mean.shape[1:])
            new = torch.cat([(mean[:, None] + std[:, None] * noise).clamp(-1, 1), *special], dim=1)
            plans, scores = torch.cat([kept, new], dim=1), torch.cat([kept_scores, problem.score(new)], dim=1)
            elites, elite_scores = select_elites(plans, scores, self.num_elites)
            mean = self.momentum * mean + (1 - self.momentum) * elites.mean(dim=1)
            std = (self.momentum * std + (1 - self.momentum) * elites.std(dim=1)).clamp(min=self.std_min)
            kept, kept_scores = elites[:, : self.num_kept], elite_scores[:, : self.num_kept]
        problem.method_state["elites"] = kept
        return problem.best_plan

    def num_new(self, iteration: int) -> int:
        """Return the number of new plans in an iteration, counted from 0."""
        return max(int(self.num_candidates / self.shrink**iteration), 2 * self.num_elites)

    def _first_elites(self, problem: PlanningProblem) -> Tensor:
        """Return the elites of the last plan without the executed steps, or else the guess: ``[b, n, t, a]``."""
        elites = problem.method_state.get("elites")
        if elites is None or not elites.shape[1] or problem.elapsed is None:
            return problem.guess[:, None].clamp(-1, 1)
        return shift_plans(elites, problem.elapsed)


def noise_filter(horizon: int, beta: float) -> Tensor:
    """Return the matrix ``[t, t]`` that maps white noise to noise whose power falls as frequency to the -`beta`.

    Every step has unit variance. The constant part has the power of the lowest frequency, as in iCEM.
    """
    amplitude = torch.fft.rfftfreq(horizon).clamp(min=1 / horizon) ** (-beta / 2)
    waves = amplitude[:, None] * torch.fft.rfft(torch.eye(horizon), dim=0)
    matrix = torch.fft.irfft(waves, n=horizon, dim=0)
    return matrix / matrix.norm(dim=1, keepdim=True)
