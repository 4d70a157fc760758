"""The cross-entropy method over discrete actions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.agents.checks import check_counts, check_shares
from vdworld.agents.planning.discrete import count_options, encode_options
from vdworld.agents.planning.elites import check_elites, select_elites
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.types import Actions


class CategoricalCrossEntropy:
    """Refit a categorical distribution per step to the best of its samples (de Boer et al. 2005, section 4).

    For action spaces that consist of choices alone: Discrete, MultiDiscrete, MultiBinary, and Dicts and Tuples of
    them. The best plans are kept as candidates without being scored again.

    Args:
        horizon: Length of a plan in steps.
        num_candidates: New plans per iteration.
        num_iterations: How often the distributions are refitted.
        num_elites: Number of best plans that they are refitted to.
        keep: Elites that remain candidates in the next iteration.
        smoothing: Share of the old probabilities in the new ones, so that no choice dies out at once.
        trust: Probability with which the first plans follow the guess at each step, where there is one.
    """

    def __init__(
        self,
        horizon: int = 8,
        num_candidates: int = 64,
        num_iterations: int = 3,
        *,
        num_elites: int = 8,
        keep: int = 2,
        smoothing: float = 0.1,
        trust: float = 0.5,
    ) -> None:
        check_counts(horizon=horizon, num_candidates=num_candidates, num_iterations=num_iterations)
        check_elites(num_elites, num_candidates)
        if keep < 0:
            raise ValueError(f"`keep` must be at least 0, got {keep}.")
        check_shares(smoothing=smoothing, trust=trust)
        self.horizon, self.num_candidates, self.num_iterations = horizon, num_candidates, num_iterations
        self.num_elites, self.keep, self.smoothing, self.trust = num_elites, keep, smoothing, trust

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best plan scored, ``[b, t, a]``; the first candidate is the problem's guess.

        Raises:
            ValueError: The action space has continuous parts.
        """
        guess = self._options(problem, problem.guess)  # [b, t, n]
        probabilities = self._first_probabilities(problem, guess)
        kept, kept_scores = guess[:, None][:, :0], problem.guess[:, :0, 0]
        new = torch.cat([guess[:, None], self._sample(problem, probabilities, self.num_candidates - 1)], dim=1)
        for i in range(self.num_iterations):
            if i:
                new = self._sample(problem, probabilities, self.num_candidates)
            scores = torch.cat([kept_scores, problem.score(encode_options(problem.codec, new))], dim=1)
            elites, values = select_elites(torch.cat([kept, new], dim=1), scores, self.num_elites)  # [b, k, t, n]
            probabilities = [self._refit(old, elites[..., column]) for column, old in enumerate(probabilities)]
            kept, kept_scores = elites[:, : self.keep], values[:, : self.keep]
        return problem.best_plan

    def _options(self, problem: PlanningProblem, plans: Tensor) -> Tensor:
        """Return the values of encoded plans ``[..., a]``, counted from 0: ``[..., n]``."""
        flat = problem.codec.decode_flat(plans)
        return (flat - torch.as_tensor(problem.codec.offsets).to(flat)).round().long()

    def _first_probabilities(self, problem: PlanningProblem, guess: Tensor) -> list[Tensor]:
        """Return the probabilities of each number's values ``[b, t, c]``, uniform where there is no guess."""
        trust = self.trust * (problem.guess != 0).any(dim=-1, keepdim=True).to(problem.guess)  # zeros are no choice
        return [
            (1 - trust) / count + trust * F.one_hot(guess[..., column], count)
            for column, count in enumerate(count_options(problem.codec))
        ]

    def _sample(self, problem: PlanningProblem, probabilities: list[Tensor], count: int) -> Tensor:
        """Sample plans ``[b, count, t, n]``."""
        b, t, device = *probabilities[0].shape[:2], probabilities[0].device
        if not count:
            return torch.zeros(b, 0, t, len(probabilities), dtype=torch.long, device=device)
        columns = [
            torch.multinomial(column.cpu().flatten(0, 1), count, replacement=True, generator=problem.rng)
            .reshape(b, t, count)
            .movedim(2, 1)
            for column in probabilities
        ]
        return torch.stack(columns, dim=-1).to(device)

    def _refit(self, old: Tensor, elites: Tensor) -> Tensor:
        """Return new probabilities ``[b, t, c]`` from the old ones and the values ``[b, k, t]`` of elites."""
        return self.smoothing * old + (1 - self.smoothing) * F.one_hot(elites, old.shape[-1]).to(old).mean(dim=1)
