"""Planning methods that dream the same number of plans."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    """What every method may dream for one plan: ``num_candidates * num_iterations`` plans of `horizon` steps.

    Args:
        horizon: Length of a plan in steps.
        num_candidates: Plans per iteration, at least 4.
        num_iterations: Iterations, of methods that have them.

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
        """Dreamt plans per plan."""
        return self.num_candidates * self.num_iterations

    @property
    def num_elites(self) -> int:
        """A quarter of the candidates, from 2 to 8."""
        return max(2, min(MOST_ELITES, self.num_candidates // 4))


def fitting_names(codec: ActionCodec, budget: PlanBudget) -> tuple[str, ...]:
    """Return the methods that take a world's actions and can keep to the budget.

    Gradients need numbers to follow; methods for choices need spaces made of choices alone, and beam search one with no
    more actions than the budget has plans.
    """
    if any(isinstance(leaf, spaces.Box) for leaf in leaves(codec.space)):
        return (*ANY, "gradient")
    few = math.prod(count_options(codec)) <= budget.num_plans
    return (*ANY, "categorical", "beam_search") if few else (*ANY, "categorical")


def equal_method(
    name: str, codec: ActionCodec, budget: PlanBudget, settings: Mapping[str, Any] | None = None
) -> PlanningMethod:
    """Return a method that keeps to the budget as closely as it can.

    Random shooting draws all plans at once. ICEM, whose iterations shrink, begins with more. A step of the gradient is
    counted as two plans, one forward and one again on the way back. Beam search follows as many beams as imagine no
    more frames than the others.

    Args:
        name: One of ``NAMES``.
        codec: Of the actions.
        budget: What it may dream.
        settings: Further arguments of the method's class, such as ``{"num_knots": 2}``.

    Raises:
        ValueError: A name that is not known, or a method that does not fit the actions or the budget.
    """
    if name not in NAMES:
        raise ValueError(f"`planners` must be among {', '.join(NAMES)}, got {name!r}.")
    if name not in (fitting := fitting_names(codec, budget)):
        raise ValueError(
            f"`planners` must be among {', '.join(fitting)}, which fit the actions, {codec.space}, and "
            f"{budget.num_plans} dreamt plans, got {name!r}."
        )
    sizes = (budget.horizon, budget.num_candidates, budget.num_iterations)
    elites, more = {"num_elites": budget.num_elites}, dict(settings or {})
    match name:
        case "random_shooting":
            return RandomShooting(budget.horizon, budget.num_plans, **more)
        case "cross_entropy":
            return CrossEntropy(*sizes, **{**elites, **more})
        case "icem":
            return ICEM(budget.horizon, _first_of_icem(budget), budget.num_iterations, **{**elites, **more})
        case "mppi":
            return MPPI(*sizes, **{**elites, **more})
        case "gradient":
            restarts = max(1, min(MOST_RESTARTS, budget.num_plans // 5))
            return GradientDescent(budget.horizon, restarts, (budget.num_plans // restarts - 1) // 2, **more)
        case "categorical":
            return CategoricalCrossEntropy(*sizes, **{**elites, **more})
    return BeamSearch(budget.horizon, _num_beams(math.prod(count_options(codec)), budget), **more)


def _first_of_icem(budget: PlanBudget) -> int:
    """Return the largest first iteration that the budget allows."""

    def plans(first: int) -> int:
        method = ICEM(budget.horizon, first, budget.num_iterations, num_elites=budget.num_elites)
        return sum(method.num_new(i) for i in range(budget.num_iterations))

    found = budget.num_candidates
    while found < budget.num_plans and plans(found + 1) <= budget.num_plans:
        found += 1
    return found


def _num_beams(num_actions: int, budget: PlanBudget) -> int:
    """Return how many beams imagine no more frames than whole plans would, at least 1."""

    def frames(beams: int) -> int:
        return sum(min(beams, num_actions**step) * num_actions for step in range(budget.horizon))

    most = budget.num_plans
    return max(beams for beams in range(1, most + 1) if beams == 1 or frames(beams) <= most * budget.horizon)
