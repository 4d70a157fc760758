"""Planning problems with a known solution, without a world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import torch

from vdworld.agents import PlanningProblem
from vdworld.spaces import ActionCodec

Score = Callable[[torch.Tensor], torch.Tensor]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def closeness(target: torch.Tensor) -> Score:
    """Score plans ``[b, n, t, a]`` by minus their squared distance from ``target [b, t, a]``."""
    return lambda plans: -(plans - target[:, None]).square().sum(dim=(-2, -1))


def make_problem(
    guess: torch.Tensor,
    score: Score,
    rng: torch.Generator,
    anchor: torch.Tensor | None = None,
    *,
    space: gym.Space | None = None,
    **settings: Any,
) -> PlanningProblem:
    """Return the problem of maximising ``score``, which maps ``[b, n, t, a]`` to ``[b, n]``."""

    def score_function(lanes: torch.Tensor, plans: torch.Tensor) -> torch.Tensor:
        return score(plans.reshape(len(guess), -1, *plans.shape[1:])).flatten()

    codec = ActionCodec(space or gym.spaces.Box(-1, 1, guess.shape[2:]))
    return PlanningProblem(guess, codec=codec, rng=rng, score_function=score_function, anchor=anchor, **settings)
