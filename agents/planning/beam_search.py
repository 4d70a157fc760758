"""Beam search over choices."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.agents.planning.checks import check_counts
from vdworld.agents.planning.discrete import every_action
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.types import Actions


class BeamSearch:
    """Follow the best few plans by every action, step by step, each step of all of them in one batch.

    Beginnings are dreamt once: a plan of h steps costs ``beams * actions * h`` imagined frames, where a search over
    whole plans pays for every plan's beginning. Plans are compared by the objective of their dreams so far; one that
    pays off late wants more beams, or an objective that values where a dream stands, ``Return(value=...)``. Objectives
    must rate rollouts of any length. The guess plays no part.

    Args:
        horizon: Length of a plan in steps.
        num_beams: Plans that are followed.
    """

    def __init__(self, horizon: int = 8, num_beams: int = 8) -> None:
        check_counts(horizon=horizon, num_beams=num_beams)
        self.horizon, self.num_beams = horizon, num_beams

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best of the last beams, ``[b, t, a]``.

        Raises:
            ValueError: The action space is not made of choices alone, or has too many actions to try them all.
        """
        options = every_action(problem.codec).to(problem.guess)
        lanes = torch.arange(len(problem.guess), device=options.device)
        at_once = max(problem.imagination.max_plans // (self.num_beams * len(options)), 1)  # beams remember much
        found = [self._search(problem, some, options) for some in lanes.split(at_once)]
        plans, scores = (torch.cat(parts) for parts in zip(*found, strict=True))
        problem.remember(plans, scores)
        return plans[:, 0]

    def _search(self, problem: PlanningProblem, lanes: Tensor, options: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last beams of some lanes ``[b, n, t, a]``, best first, and their scores ``[b, n]``."""
        beams = problem.imagination.begin(lanes)
        for _ in range(self.horizon):
            beams = problem.imagination.extend(beams, options).best(self.num_beams)
        return beams.actions, beams.scores
