"""What a planning method may ask, and what it must offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from vdworld.agents.planning.imagination import Imagination
from vdworld.spaces import ActionCodec
from vdworld.types import Actions, PerLane

Rate = Callable[[Tensor, Actions], PerLane]
"""Maps the lanes ``[m]`` that m plans start from, and these plans ``[m, t, a]``, to scores ``[m]``; differentiable."""


class PlanningProblem:
    """Decide in b lanes at once: find plans whose scores are high.

    Plans are encoded actions: numbers in [-1, 1], and one number per option of a choice, of which the largest wins.
    Whatever a method tries is moved to the nearest legal plan before it is rated, and the noise of a lane's dreams is
    the same for every plan, so that a plan never needs to be scored twice.

    Args:
        guess: Plans to start from ``[b, t, a]``: what is left of the last ones, its last action held; at the start of
            an episode the last action of the past, or zeros where there is none.
        codec: Between encoded actions and those of the environment.
        rng: Of everything random in the search; on the CPU.
        imagination: Dreams plans and rates them; None where `rate` stands in for it.
        rate: Rates plans without dreaming, to try a method on a problem that is solved.
        anchor: The actions before the plans ``[b, a]``; None where there are none.
        elapsed: Steps executed since the last plan of this episode; None if this is the first.
        memory: What the method keeps from one plan of an episode to the next; empty for the first.

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
        imagination: Imagination | None = None,
        rate: Rate | None = None,
        anchor: Tensor | None = None,
        elapsed: int | None = None,
        memory: dict[str, Any] | None = None,
    ) -> None:
        if (imagination is None) == (rate is None):
            raise ValueError("`imagination` or `rate` must be given, and not both.")
        self.guess, self.codec, self.rng, self.anchor = guess, codec, rng, anchor
        self.elapsed, self.memory = elapsed, {} if memory is None else memory
        self._imagination, self._rate = imagination, rate
        self.best_plan = codec.project(guess)
        self.best_score = guess.new_full((len(guess),), -torch.inf)

    @property
    def imagination(self) -> Imagination:
        """Dreams of the b lanes, for methods that look into them."""
        if self._imagination is None:
            raise ValueError("`imagination` must be given for a method that looks into dreams, got None.")
        return self._imagination

    def score(self, plans: Tensor) -> Tensor:
        """Return the scores ``[b, n]`` of n plans per lane ``[b, n, t, a]``; higher is better."""
        with torch.no_grad():
            legal = self.codec.project(plans)
            scores = [self._rated(lanes, some) for lanes, some in self._chunks(legal)]
            return self.remember(legal, torch.cat(scores).reshape(plans.shape[:2]))

    def score_with_gradients(self, plans: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores ``[b, n]``, and how each grows with every number of its plan ``[b, n, t, a]``.

        The slopes are those at the nearest legal plan. They are taken chunk by chunk, with the memory of one.
        """
        legal, scores, slopes = self.codec.project(plans.detach()), [], []
        with torch.inference_mode(False), torch.enable_grad():
            for lanes, some in self._chunks(legal):
                variable = some.clone().requires_grad_()
                rated = self._rated(lanes, variable)
                slopes += torch.autograd.grad(rated.sum(), variable)
                scores.append(rated.detach())
        slope = torch.cat(slopes).nan_to_num(0.0, 0.0, 0.0).reshape(plans.shape)
        return self.remember(legal, torch.cat(scores).reshape(plans.shape[:2])), slope

    def remember(self, plans: Tensor, scores: Tensor) -> Tensor:
        """Note the best of n legal plans ``[b, n, t, a]`` that were scored ``[b, n]``; return the scores.

        A score that is no number counts as the lowest.
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

    def _rated(self, lanes: Tensor, plans: Actions) -> PerLane:
        return self.imagination.rate(lanes, plans) if self._rate is None else self._rate(lanes, plans)

    def _chunks(self, plans: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield lanes ``[m]`` and plans ``[m, t, a]``, as many as fit at once."""
        size = plans[:, :, 0, 0].numel() if self._imagination is None else self._imagination.max_plans
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


def shifted(plans: Tensor, steps: int) -> Tensor:
    """Return plans ``[..., t, a]`` some steps later: their beginning dropped, their last action held to the end."""
    rest, last = plans[..., steps:, :], plans[..., -1:, :]
    return torch.cat([rest, last.expand(*last.shape[:-2], plans.shape[-2] - rest.shape[-2], -1)], dim=-2)
