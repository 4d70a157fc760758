"""Beam search over discrete actions."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.agents.checks import check_counts
from vdworld.agents.planning.discrete import every_action
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.types import Actions


class BeamSearch:
    """Extend the best few plans by every action, step by step; each step of all of them is one batch.

    Earlier steps are dreamt once: a search over h steps costs ``beams * actions * h`` imagined frames, where a search
    over whole plans pays for each of their steps. Plans are compared by the score of their dreams so far; a plan that
    pays off late needs more beams, or an objective that values the last state, ``Return(value=...)``. Objectives must
    score rollouts of any length. The guess is not used.

    Args:
        horizon: Length of a plan in steps.
        num_beams: Plans that are kept at each step.
    """

    def __init__(self, horizon: int = 8, num_beams: int = 8) -> None:
        check_counts(horizon=horizon, num_beams=num_beams)
        self.horizon, self.num_beams = horizon, num_beams

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best of the last beams, ``[b, t, a]``.

        Raises:
            ValueError: The action space has continuous parts, or too many actions to try them all.
        """
        options = every_action(problem.codec).to(problem.guess)
        lanes = torch.arange(len(problem.guess), device=options.device)
        chunk = max(problem.evaluator.max_plans // (self.num_beams * len(options)), 1)  # rollouts of beams are large
        results = [self._search(problem, part, options) for part in lanes.split(chunk)]
        plans, scores = (torch.cat(parts) for parts in zip(*results, strict=True))
        problem.update_best(plans, scores)
        return plans[:, 0]

    def _search(self, problem: PlanningProblem, lanes: Tensor, options: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last beams of some lanes ``[b, n, t, a]``, best first, and their scores ``[b, n]``."""
        beams = problem.evaluator.start(lanes)
        for _ in range(self.horizon):
            beams = problem.evaluator.extend(beams, options).best(self.num_beams)
        return beams.actions, beams.scores
