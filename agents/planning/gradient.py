"""Gradient ascent through the model."""

from __future__ import annotations

import torch

from vdworld.agents.checks import check_counts
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.types import Actions


class GradientDescent:
    """Follow the gradient of the score in the actions, from several starts (Adam, Kingma & Ba 2015).

    Only one step of a dream is held in memory at a time: the others are recomputed in the backward pass. An iteration
    therefore costs two forward passes and a backward one, about as much as four candidates of a search without
    gradients. Choices have the gradient of the one-hot vector of the option that was dreamt, as if it were continuous
    (the straight-through estimator, Bengio et al. 2013).

    Args:
        horizon: Length of a plan in steps.
        num_restarts: Plans improved in parallel; the first starts from the guess, the others near it.
        num_iterations: Gradient steps of each.
        learning_rate: Size of a step in encoded units, where actions span [-1, 1].
        std: Standard deviation of the other plans' starts around the guess.
    """

    def __init__(
        self,
        horizon: int = 8,
        num_restarts: int = 4,
        num_iterations: int = 10,
        *,
        learning_rate: float = 0.2,
        std: float = 0.5,
    ) -> None:
        check_counts(horizon=horizon, num_restarts=num_restarts, num_iterations=num_iterations)
        if learning_rate <= 0:
            raise ValueError(f"`learning_rate` must be positive, got {learning_rate}.")
        self.horizon, self.num_restarts, self.num_iterations = horizon, num_restarts, num_iterations
        self.learning_rate, self.std = learning_rate, std

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best plan scored in any iteration, ``[b, t, a]``."""
        guess = problem.guess[:, None]
        offsets = self.std * problem.normal(self.num_restarts - 1, *guess.shape[2:])
        plans = torch.cat([guess, guess + offsets], dim=1).clamp(-1, 1)
        optimizer = torch.optim.Adam([plans], lr=self.learning_rate, maximize=True)
        for _ in range(self.num_iterations):
            _, plans.grad = problem.score_with_gradients(plans)
            optimizer.step()
            plans.clamp_(-1, 1)
        problem.score(plans)
        return problem.best_plan
