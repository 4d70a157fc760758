"""Planning methods that imagine the same number of plans."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gymnasium import spaces

from vdworld.agents import (
    ICEM,
    MPPI,
    BeamSearch,
    CategoricalCrossEntropy,
    CrossEntropy,
    GradientDescent,
    PlanningMethod,
    RandomShooting,
)
from vdworld.agents.planning.discrete import count_options
from vdworld.spaces import ActionCodec, leaves

ANY = ("random_shooting", "cross_entropy", "icem", "mppi")
NAMES = (*ANY, "gradient", "categorical", "beam_search")
MOST_ELITES, MOST_RESTARTS = 8, 4


@dataclass(frozen=True)
class PlanBudget:
    """What every method may imagine for one plan: ``num_candidates * num_iterations`` candidates of `horizon` steps.

    Args:
        horizon: Length of a plan in steps.
        num_candidates: Candidates per iteration, at least 4.
        num_iterations: Number of iterations; methods without any imagine all candidates at once.

    Raises:
        ValueError: A number out of range.
    """

    horizon: int = 4
    num_candidates: int = 32
    num_iterations: int = 2

    def __post_init__(self) -> None:
        for name, least in (("horizon", 1), ("num_candidates", 4), ("num_iterations", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"`{name}` must be at least {least}, got {getattr(self, name)}.")

    @property
    def num_plans(self) -> int:
        """Candidates that are imagined for one plan."""
        return self.num_candidates * self.num_iterations

    @property
    def num_elites(self) -> int:
        """A quarter of the candidates, from 2 to 8."""
        return max(2, min(MOST_ELITES, self.num_candidates // 4))


def fitting_names(codec: ActionCodec, budget: PlanBudget) -> tuple[str, ...]:
    """Return the methods that fit a world's actions and the budget.

    Gradients need continuous actions. Methods for choices need spaces made of choices alone, and beam search no more
    actions than the budget has plans.
    """
    if any(isinstance(leaf, spaces.Box) for leaf in leaves(codec.space)):
        return (*ANY, "gradient")
    few = math.prod(count_options(codec)) <= budget.num_plans
    return (*ANY, "categorical", "beam_search") if few else (*ANY, "categorical")


def equal_methods(
    names: Sequence[str] | None, codec: ActionCodec, budget: PlanBudget, settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, PlanningMethod]:
    """Return methods by name, each within the budget.

    Args:
        names: Some of ``NAMES``; None takes all that fit.
        codec: Encodes the world's actions.
        budget: What each may imagine.
        settings: A method's name to further arguments of its class.

    Raises:
        ValueError: A method is unknown or does not fit, or there are settings for another method.
    """
    names = fitting_names(codec, budget) if names is None else tuple(names)
    if unknown := sorted({*settings} - {*names}):
        raise ValueError(f"`planner_settings` must be for {', '.join(names)}, got {', '.join(unknown)}.")
    return {name: equal_method(name, codec, budget, settings.get(name)) for name in names}


def equal_method(
    name: str, codec: ActionCodec, budget: PlanBudget, settings: Mapping[str, Any] | None = None
) -> PlanningMethod:
    """Return a method whose cost is as close to the budget as possible without exceeding it.

    Random shooting draws all candidates at once. The iterations of ICEM shrink, so it starts with more. A gradient step
    counts as two candidates, for the forward and the backward pass. Beam search follows as many beams as imagine no
    more frames than the other methods.

    Args:
        name: One of ``NAMES``.
        codec: Encodes the world's actions.
        budget: What the method may imagine.
        settings: Further arguments of the method's class, such as ``{"num_knots": 2}``.

    Raises:
        ValueError: The method is unknown, or does not fit the actions or the budget.
    """
    if name not in NAMES:
        raise ValueError(f"`planners` must be among {', '.join(NAMES)}, got {name!r}.")
    if name not in (fitting := fitting_names(codec, budget)):
        raise ValueError(
            f"`planners` must be among {', '.join(fitting)}, which fit the actions, {codec.space}, and a budget of "
            f"{budget.num_plans} plans, got {name!r}."
        )
    sizes = (budget.horizon, budget.num_candidates, budget.num_iterations)
    elites, extra = {"num_elites": budget.num_elites}, dict(settings or {})
    match name:
        case "random_shooting":
            return RandomShooting(budget.horizon, budget.num_plans, **extra)
        case "cross_entropy":
            return CrossEntropy(*sizes, **{**elites, **extra})
        case "icem":
            return ICEM(budget.horizon, _first_icem_iteration(budget), budget.num_iterations, **{**elites, **extra})
        case "mppi":
            return MPPI(*sizes, **{**elites, **extra})
        case "gradient":
            restarts = max(1, min(MOST_RESTARTS, budget.num_plans // 5))
            return GradientDescent(budget.horizon, restarts, (budget.num_plans // restarts - 1) // 2, **extra)
        case "categorical":
            return CategoricalCrossEntropy(*sizes, **{**elites, **extra})
    return BeamSearch(budget.horizon, _num_beams(math.prod(count_options(codec)), budget), **extra)


def _first_icem_iteration(budget: PlanBudget) -> int:
    """Return the size of the largest first iteration within the budget."""

    def plans(first: int) -> int:
        method = ICEM(budget.horizon, first, budget.num_iterations, num_elites=budget.num_elites)
        return sum(method.num_new(i) for i in range(budget.num_iterations))

    first = budget.num_candidates
    while first < budget.num_plans and plans(first + 1) <= budget.num_plans:
        first += 1
    return first


def _num_beams(num_actions: int, budget: PlanBudget) -> int:
    """Return the largest number of beams that imagine no more frames than the budget's plans, at least 1."""

    def frames(beams: int) -> int:
        return sum(min(beams, num_actions**step) * num_actions for step in range(budget.horizon))

    most = budget.num_plans
    return max(beams for beams in range(1, most + 1) if beams == 1 or frames(beams) <= most * budget.horizon)
