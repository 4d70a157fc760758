"""The interface between a planning method and a planner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from vdworld.agents.planning.plan_evaluator import PlanEvaluator
from vdworld.spaces import ActionCodec
from vdworld.types import Actions, PerLane

ScoreFunction = Callable[[Tensor, Actions], PerLane]
"""Maps m plans ``[m, t, a]`` and the lanes ``[m]`` that they begin in to scores ``[m]``; differentiable."""


class PlanningProblem:
    """Find plans with high scores, in b lanes at once.

    Plans are encoded actions: numbers in [-1, 1], and one number per option of a choice, of which the largest wins.
    Every plan is projected to the nearest legal one before it is scored. The noise of a lane's dreams is the same for
    all plans, so that no plan needs to be scored twice.

    Args:
        guess: Plans to start from ``[b, t, a]``: the rest of the last plans with their last action held; at the start
            of an episode the last action of the past, or zeros where there is none.
        codec: Maps encoded actions to those of the environment.
        rng: The random stream of the search; on the CPU.
        evaluator: Dreams and scores plans; None if `score_function` replaces it.
        score_function: Scores plans without dreams, to try a method on a problem with a known solution.
        anchor: The actions before the plans ``[b, a]``; None where there are none.
        elapsed: Steps executed since the last plan of this episode; None if this is the first.
        method_state: What the method stores from one plan of an episode to the next; empty at the first.

    Attributes:
        best_plan: The best legal plan scored so far ``[b, t, a]``.
        best_score: Its score ``[b]``.
    """

    def __init__(
        self,
        guess: Actions,
        *,
        codec: ActionCodec,
        rng: torch.Generator,
        evaluator: PlanEvaluator | None = None,
        score_function: ScoreFunction | None = None,
        anchor: Tensor | None = None,
        elapsed: int | None = None,
        method_state: dict[str, Any] | None = None,
    ) -> None:
        if (evaluator is None) == (score_function is None):
            raise ValueError("`evaluator` or `score_function` must be given, and not both.")
        self.guess, self.codec, self.rng, self.anchor = guess, codec, rng, anchor
        self.elapsed, self.method_state = elapsed, {} if method_state is None else method_state
        self._evaluator, self._score_function = evaluator, score_function
        self.best_plan = codec.project(guess)
        self.best_score = guess.new_full((len(guess),), -torch.inf)

    @property
    def evaluator(self) -> PlanEvaluator:
        """Dreams plans, for methods that look into the dreams."""
        if self._evaluator is None:
            raise ValueError("`evaluator` must be given for a method that looks into dreams, got None.")
        return self._evaluator

    def score(self, plans: Tensor) -> Tensor:
        """Return the scores ``[b, n]`` of n plans per lane ``[b, n, t, a]``; higher is better."""
        with torch.no_grad():
            legal = self.codec.project(plans)
            scores = [self._score_chunk(lanes, chunk) for lanes, chunk in self._chunks(legal)]
            return self.update_best(legal, torch.cat(scores).reshape(plans.shape[:2]))

    def score_with_gradients(self, plans: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores ``[b, n]`` and their gradients in the plans ``[b, n, t, a]``.

        Gradients are those at the nearest legal plan. They are computed chunk by chunk to save memory.
        """
        legal, scores, gradients = self.codec.project(plans.detach()), [], []
        with torch.inference_mode(False), torch.enable_grad():
            for lanes, chunk in self._chunks(legal):
                variable = chunk.clone().requires_grad_()
                chunk_scores = self._score_chunk(lanes, variable)
                gradients += torch.autograd.grad(chunk_scores.sum(), variable)
                scores.append(chunk_scores.detach())
        gradient = torch.cat(gradients).nan_to_num(0.0, 0.0, 0.0).reshape(plans.shape)
        return self.update_best(legal, torch.cat(scores).reshape(plans.shape[:2])), gradient

    def update_best(self, plans: Tensor, scores: Tensor) -> Tensor:
        """Update ``best_plan`` with legal plans ``[b, n, t, a]`` and their scores ``[b, n]``; return the scores.

        A score of NaN becomes the lowest possible one.
        """
        lowest = torch.finfo(scores.dtype).min
        scores = scores.nan_to_num(lowest, neginf=lowest)
        top = scores.max(dim=1)
        better = top.values > self.best_score
        rows = torch.arange(len(plans), device=plans.device)
        self.best_plan = torch.where(better[:, None, None], plans[rows, top.indices], self.best_plan)
        self.best_score = torch.maximum(top.values, self.best_score)
        return scores

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal numbers ``[b, *shape]``."""
        return torch.randn(len(self.guess), *shape, generator=self.rng).to(self.guess)

    def _score_chunk(self, lanes: Tensor, plans: Actions) -> PerLane:
        return (
            self.evaluator.score(lanes, plans) if self._score_function is None else self._score_function(lanes, plans)
        )

    def _chunks(self, plans: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield lanes ``[m]`` and plans ``[m, t, a]``, as many as fit at once."""
        size = plans[:, :, 0, 0].numel() if self._evaluator is None else self._evaluator.max_plans
        lanes = torch.arange(len(plans), device=plans.device).repeat_interleave(plans.shape[1])
        yield from zip(lanes.split(size), plans.flatten(0, 1).split(size), strict=True)


@runtime_checkable
class PlanningMethod(Protocol):
    """A search for good plans.

    Args:
        horizon: Length of a plan in steps.
    """

    horizon: int

    def plan(self, problem: PlanningProblem) -> Actions:
        """Return one plan per lane ``[b, t, a]``, usually ``problem.best_plan``."""
        ...


def shift_plans(plans: Tensor, steps: int) -> Tensor:
    """Return plans ``[..., t, a]`` without their first `steps` actions, the last action held to keep their length."""
    rest, last = plans[..., steps:, :], plans[..., -1:, :]
    return torch.cat([rest, last.expand(*last.shape[:-2], plans.shape[-2] - rest.shape[-2], -1)], dim=-2)
