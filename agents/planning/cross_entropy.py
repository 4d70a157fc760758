"""The cross-entropy method over action sequences."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.agents.checks import check_counts
from vdworld.agents.planning.elites import check_elites, select_elites
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.types import Actions


class CrossEntropy:
    """Refit a Gaussian over action sequences to the best of its own samples (Rubinstein 1999; PlaNet, Hafner 2019).

    Since a step of a diffusion model is expensive, plans may have few degrees of freedom: `num_knots` actions, with
    straight lines between them. Some elites are scored again in the next iteration (iCEM, Pinneri 2020), and the best
    plan ever scored is the result.

    Args:
        horizon: Length of a plan in steps.
        num_candidates: Plans per iteration.
        num_iterations: How often the Gaussian is refitted.
        num_elites: Number of best plans that the Gaussian is refitted to.
        num_knots: Number of actions that a plan is interpolated from; None means one per step.
        std: Standard deviation of the first samples, in encoded units, where actions span [-1, 1].
        std_min: Lower limit of the standard deviation.
        keep: Elites carried over to the next iteration.
        anchored: Whether plans begin at the last action, without a jump; for commands that change smoothly in the
            data, such as positions.
    """

    def __init__(
        self,
        horizon: int = 8,
        num_candidates: int = 64,
        num_iterations: int = 3,
        *,
        num_elites: int = 8,
        num_knots: int | None = None,
        std: float = 0.8,
        std_min: float = 0.05,
        keep: int = 2,
        anchored: bool = False,
    ) -> None:
        check_counts(horizon=horizon, num_candidates=num_candidates, num_iterations=num_iterations)
        check_elites(num_elites, num_candidates, least=2)
        if num_knots is not None and not 1 <= num_knots <= horizon:
            raise ValueError(f"`num_knots` must lie in 1..{horizon} (`horizon`), got {num_knots}.")
        if keep < 0:
            raise ValueError(f"`keep` must be at least 0, got {keep}.")
        self.horizon, self.num_candidates, self.num_iterations = horizon, num_candidates, num_iterations
        self.num_elites, self.num_knots = num_elites, num_knots or horizon
        self.std, self.std_min, self.keep = std, std_min, min(keep, num_elites, num_candidates - 1)
        self.anchored = anchored

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best plan scored, ``[b, t, a]``; the first candidate is the problem's guess."""
        guess, anchor = problem.guess, problem.anchor
        b, horizon, a = guess.shape
        weights, base = knot_weights(horizon, self.num_knots).to(guess), torch.zeros_like(guess)  # [t, k], [b, t, a]
        if self.anchored and anchor is not None:
            weights = knot_weights(horizon, self.num_knots, anchored=True).to(guess)
            base, weights = weights[:, :1] * anchor[:, None], weights[:, 1:]
        mean = torch.linalg.lstsq(weights.expand(b, -1, -1), guess - base).solution  # [b, k, a]
        std = torch.full_like(mean, self.std)
        kept = mean[:, None].clamp(-1, 1)
        for _ in range(self.num_iterations):
            noise = problem.normal(self.num_candidates - kept.shape[1], self.num_knots, a)
            knots = torch.cat([kept, (mean[:, None] + std[:, None] * noise).clamp(-1, 1)], dim=1)
            scores = problem.score(base[:, None] + weights @ knots)
            elites, _ = select_elites(knots, scores, self.num_elites)
            mean, std = elites.mean(dim=1), elites.std(dim=1).clamp(min=self.std_min)
            kept = elites[:, : self.keep]
        return problem.best_plan


def knot_weights(horizon: int, num_knots: int, anchored: bool = False) -> Tensor:
    """Return the weights ``[t, k]`` of knots in each step: linear interpolation, with knots at both ends.

    A single knot is one constant action. With `anchored` a column precedes the others, ``[t, k + 1]``: the weight of
    the action before the first step, from which the plan moves to the first knot.
    """
    if anchored:
        places, count = torch.arange(1, horizon + 1) * (num_knots / horizon), num_knots + 1
    elif num_knots == 1:
        return torch.ones(horizon, 1)
    else:
        places, count = torch.linspace(0, num_knots - 1, horizon), num_knots
    return (1 - (places[:, None] - torch.arange(count)).abs()).clamp(min=0)
