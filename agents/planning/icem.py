"""iCEM: the cross-entropy method for few samples."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.agents.checks import check_counts, check_shares
from vdworld.agents.planning.problem import PlanningProblem, shifted
from vdworld.types import Actions


class ICEM:
    """Refit a Gaussian to the best of its samples, with noise that lasts and nothing wasted (Pinneri et al. 2020).

    Algorithm 1 there: noise coloured along time, fewer samples in every iteration, elites that stay in the race and
    that come back in the next plan, and the mean itself as the last thing tried. An elite is not scored twice, since
    the noise of the dreams is the same throughout.

    Args:
        horizon: Length of a plan in steps.
        num_candidates: New plans in the first iteration, the elites of the last plan among them.
        num_iterations: How often the Gaussian is refitted.
        num_elites: Best plans the Gaussian is refitted to.
        beta: Exponent of the noise: its power falls as frequency to the minus `beta`; 0 is white.
        shrink: Every iteration has so many times fewer new plans, but at least twice the elites.
        keep: Share of the elites that stays in the race, and of those that come back.
        std: Standard deviation of the first samples, in encoded units, where actions span [-1, 1].
        std_min: The deviation never falls below this.
        momentum: Share of the old mean and deviation in the new ones.
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
            raise ValueError(f"`num_elites` must lie in 2..{num_candidates // 2} (half of them), got {num_elites}.")
        check_shares(keep=keep, momentum=momentum)
        self.horizon, self.num_iterations, self.num_elites = horizon, num_iterations, num_elites
        self.num_candidates, self.shrink, self.num_kept = num_candidates, shrink, round(keep * num_elites)
        self.beta, self.std, self.std_min, self.momentum = beta, std, std_min, momentum

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best plan scored, ``[b, t, a]``."""
        colour = noise_filter(self.horizon, self.beta).to(problem.guess)
        mean, std = problem.guess.clamp(-1, 1), torch.full_like(problem.guess, self.std)
        elites, values = mean[:, None][:, :0], mean[:, :0, 0]  # none yet: [b, 0, t, a] and [b, 0]
        for i in range(self.num_iterations):
            special = [self._brought_along(problem)] if i == 0 else []
            special += [mean[:, None]] if i == self.num_iterations - 1 else []
            count = self.num_new(i) - sum(plans.shape[1] for plans in special)
            noise = colour @ problem.normal(count, *mean.shape[1:])
            new = torch.cat([(mean[:, None] + std[:, None] * noise).clamp(-1, 1), *special], dim=1)
            plans, scores = torch.cat([elites, new], dim=1), torch.cat([values, problem.score(new)], dim=1)
            top = scores.topk(self.num_elites, dim=1)
            best = plans.take_along_dim(top.indices[:, :, None, None], dim=1)
            mean = self.momentum * mean + (1 - self.momentum) * best.mean(dim=1)
            std = (self.momentum * std + (1 - self.momentum) * best.std(dim=1)).clamp(min=self.std_min)
            elites, values = best[:, : self.num_kept], top.values[:, : self.num_kept]
        problem.memory["elites"] = elites
        return problem.best_plan

    def num_new(self, iteration: int) -> int:
        """Return how many plans an iteration adds to the race, counted from 0."""
        return max(int(self.num_candidates / self.shrink**iteration), 2 * self.num_elites)

    def _brought_along(self, problem: PlanningProblem) -> Tensor:
        """Return the elites of the last plan as far as they still apply, else the guess: ``[b, n, t, a]``."""
        elites = problem.memory.get("elites")
        if elites is None or not elites.shape[1] or problem.elapsed is None:
            return problem.guess[:, None].clamp(-1, 1)
        return shifted(elites, problem.elapsed)


def noise_filter(horizon: int, beta: float) -> Tensor:
    """Return the matrix ``[t, t]`` that turns white noise into noise whose power falls as frequency to the -`beta`.

    Every step of it has unit variance. Its mean is as strong as the slowest wave, as in iCEM.
    """
    amplitude = torch.fft.rfftfreq(horizon).clamp(min=1 / horizon) ** (-beta / 2)
    waves = amplitude[:, None] * torch.fft.rfft(torch.eye(horizon), dim=0)
    matrix = torch.fft.irfft(waves, n=horizon, dim=0)
    return matrix / matrix.norm(dim=1, keepdim=True)
