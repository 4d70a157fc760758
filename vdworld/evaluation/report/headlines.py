"""The few figures at the top of a report."""

from __future__ import annotations

from typing import NamedTuple

from vdworld.evaluation.controllers import IDLE, RANDOM
from vdworld.evaluation.drift import Drift
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.returns import Returns


class Headline(NamedTuple):
    """A figure, what it is, and what to compare it with."""

    value: str
    label: str
    detail: str


def headlines(
    prediction: Prediction, control: GoalReaching | Returns | None = None, drift: Drift | None = None
) -> list[Headline]:
    """Return the most important figures: the first agent's success or return, prediction, drift, speed."""
    if isinstance(control, GoalReaching):
        figures = _goal_headlines(control)
    else:
        figures = [] if control is None else _return_headlines(control)
    for step in dict.fromkeys((prediction.steps[0], prediction.steps[-1])):
        world, copied = (prediction.interval(name, step).mean for name in ("moving_psnr", "copy_moving_psnr"))
        ahead = "one step ahead" if step == 1 else f"{step} steps ahead"
        figures.append(
            Headline(f"{world:.1f} dB", f"PSNR on moving pixels, {ahead}", f"copying the last frame: {copied:.1f} dB")
        )
    if drift is not None:
        collapse = drift.collapse
        verdict = "no collapse" if collapse is None else f"{drift.verdict(collapse)} by step {collapse}"
        figures.append(Headline(f"{drift.steps[-1]:,}", "imagined steps in one dream", verdict))
    speed = f"{prediction.frames_per_second:,.0f}"
    return [*figures, Headline(speed, "imagined frames per second", "all lanes together")]


def _goal_headlines(result: GoalReaching) -> list[Headline]:
    name = next(iter(result.attempts))
    if name in (RANDOM, IDLE):
        return []
    success, remaining = (result.interval(name, measure).mean for measure in ("success", "remaining"))
    random_success, random_remaining = (result.interval(RANDOM, measure).mean for measure in ("success", "remaining"))
    return [
        Headline(f"{success:.0%}", f"of the goals reached by {name}", f"random: {random_success:.0%}"),
        Headline(f"{remaining:.2f}", f"of the initial distance left by {name}", f"random: {random_remaining:.2f}"),
    ]


def _return_headlines(result: Returns) -> list[Headline]:
    name = next(iter(result.plays))
    if name in (RANDOM, IDLE):
        return []
    mean, random_mean = result.interval(name).mean, result.interval(RANDOM).mean
    return [Headline(f"{mean:.4g}", f"mean return of {name}", f"random: {random_mean:.4g}")]
