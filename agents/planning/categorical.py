"""The cross-entropy method over choices."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.agents.planning.checks import check_counts, check_shares
from vdworld.agents.planning.discrete import count_options, encode_options
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.types import Actions


class CategoricalCrossEntropy:
    """Refit the odds of every choice at every step to the best of their own samples (de Boer et al. 2005, section 4).

    For action spaces that are made of choices alone: Discrete, MultiDiscrete, MultiBinary, and Dicts and Tuples of
    them. The best plans stay in the race without being scored again.

    Args:
        horizon: Length of a plan in steps.
        num_candidates: New plans per iteration.
        num_iterations: How often the odds are refitted.
        num_elites: Best plans the odds are refitted to.
        keep: Elites that stay in the race.
        smoothing: Share of the old odds in the new ones, so that no choice dies out at once.
        trust: The odds with which the first plans follow the guess at each step, where there is one.
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
        if not 1 <= num_elites <= num_candidates:
            raise ValueError(f"`num_elites` must lie in 1..{num_candidates} (`num_candidates`), got {num_elites}.")
        if keep < 0:
            raise ValueError(f"`keep` must be at least 0, got {keep}.")
        check_shares(smoothing=smoothing, trust=trust)
        self.horizon, self.num_candidates, self.num_iterations = horizon, num_candidates, num_iterations
        self.num_elites, self.keep, self.smoothing, self.trust = num_elites, keep, smoothing, trust

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the best plan scored, ``[b, t, a]``; the first candidate is the problem's guess.

        Raises:
            ValueError: The action space is not made of choices alone.
        """
        guess = self._options(problem, problem.guess)  # [b, t, n]
        odds = self._first_odds(problem, guess)
        kept, values, number = guess[:, None][:, :0], problem.guess[:, :0, 0], self.num_candidates - 1
        new = torch.cat([guess[:, None], self._draw(problem, odds, number)], dim=1)
        for i in range(self.num_iterations):
            if i:
                new = self._draw(problem, odds, self.num_candidates)
            scores = torch.cat([values, problem.score(encode_options(problem.codec, new))], dim=1)
            plans, top = torch.cat([kept, new], dim=1), scores.topk(self.num_elites, dim=1)
            elites = plans.take_along_dim(top.indices[:, :, None, None], dim=1)  # [b, k, t, n]
            odds = [self._refitted(old, elites[..., column]) for column, old in enumerate(odds)]
            kept, values = elites[:, : self.keep], top.values[:, : self.keep]
        return problem.best_plan

    def _options(self, problem: PlanningProblem, plans: Tensor) -> Tensor:
        """Return the values of encoded plans ``[..., a]``, counted from 0, ``[..., n]``."""
        flat = problem.codec.decode_flat(plans)
        return (flat - torch.as_tensor(problem.codec.offsets).to(flat)).round().long()

    def _first_odds(self, problem: PlanningProblem, guess: Tensor) -> list[Tensor]:
        """Return the odds of the values of each number ``[b, t, c]``, even where nothing was guessed."""
        trust = self.trust * (problem.guess != 0).any(dim=-1, keepdim=True).to(problem.guess)  # zeros are no choice
        return [
            (1 - trust) / count + trust * F.one_hot(guess[..., column], count)
            for column, count in enumerate(count_options(problem.codec))
        ]

    def _draw(self, problem: PlanningProblem, odds: list[Tensor], count: int) -> Tensor:
        """Draw plans ``[b, count, t, n]``."""
        if not count:
            return torch.zeros(*odds[0].shape[:1], 0, odds[0].shape[1], len(odds), dtype=torch.long).to(odds[0].device)
        columns = [
            torch.multinomial(column.cpu().flatten(0, 1), count, replacement=True, generator=problem.rng)
            .reshape(*column.shape[:2], count)
            .movedim(2, 1)
            for column in odds
        ]
        return torch.stack(columns, dim=-1).to(odds[0].device)

    def _refitted(self, old: Tensor, elites: Tensor) -> Tensor:
        """Return new odds ``[b, t, c]`` from the old ones and the values ``[b, k, t]`` of elites."""
        return self.smoothing * old + (1 - self.smoothing) * F.one_hot(elites, old.shape[-1]).to(old).mean(dim=1)
