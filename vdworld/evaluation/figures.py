"""The plots of a report, each as PNG bytes. Needs matplotlib; draws without pyplot, so it leaves no global state."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np

from vdworld.evaluation.control import GoalReaching
from vdworld.evaluation.controllers import IDLE, RANDOM
from vdworld.evaluation.pictures import tile
from vdworld.evaluation.prediction import ClipPicture, Prediction
from vdworld.extras import require
from vdworld.metrics import Calibration, Interval, bootstrap_interval

INK, FAINT = "#1f2933", "#9aa5b1"
COLOURS = ("#0b6e99", "#d9730d", "#6940a5", "#448361", "#ad1a72")


def prediction_plot(prediction: Prediction) -> bytes:
    """Draw PSNR against the steps ahead, on moving pixels and on all, beside copy-last."""
    figure = _figure(9.2, 3.3)
    panels = (("moving_psnr", "Moving pixels"), ("psnr", "All pixels"))
    steps = range(1, prediction.horizon + 1)
    for i, (name, title) in enumerate(panels):
        axes = _axes(figure.add_subplot(1, 2, i + 1), title, "steps ahead", "PSNR, dB" if i == 0 else "")
        _band(axes, steps, [prediction.interval(name, s) for s in steps], COLOURS[0], "world")
        _band(axes, steps, [prediction.interval(f"copy_{name}", s) for s in steps], FAINT, "copy last", dashes=(4, 2))
        axes.set_xlim(1, max(prediction.horizon, 2))
        if i == 0:
            axes.legend(frameon=False)
    return _png(figure)


def distance_plot(result: GoalReaching) -> bytes:
    """Draw the remaining share of the distance against the steps taken, one line per agent."""
    figure = _figure(9.2, 3.3)
    axes = _axes(figure.add_subplot(), "Distance to the goal, as a share of the initial one", "steps taken", "")
    steps = range(result.budget + 1)
    colours = iter(COLOURS * (1 + len(result.attempts)))
    for name, attempt in result.attempts.items():
        shares = attempt.distances / attempt.distances[:, :1]
        intervals = [bootstrap_interval(shares[:, s], groups=result.windows[:, 0], seed=result.seed) for s in steps]
        floor = {RANDOM: ("#7b8794", (4, 2)), IDLE: ("#b8c1cb", (1, 1))}.get(name)
        colour, dashes = floor or (next(colours), None)
        _band(axes, steps, intervals, colour, name, dashes=dashes)
    axes.set_xlim(0, result.budget)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, ncols=3, loc="lower left")
    return _png(figure)


def calibration_plot(calibration: Calibration) -> bytes:
    """Draw how often episodes ended against the probability that the world gave to it."""
    figure = _figure(4.2, 3.3)
    axes = _axes(figure.add_subplot(), "End of the episode", "predicted probability", "observed frequency")
    top = max(*calibration.predicted, *calibration.observed, 1e-3) * 1.05
    axes.plot([0, top], [0, top], color=FAINT, dashes=(4, 2), linewidth=1)
    axes.plot(calibration.predicted, calibration.observed, "o-", color=COLOURS[0], markersize=4)
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    return _png(figure)


def film_strip(picture: ClipPicture, steps: Iterable[int]) -> bytes:
    """Show real frames above imagined ones: the last one given, then those at the chosen steps ahead."""
    rows = [("real", picture.real), ("imagined", picture.imagined)]
    given = tile(picture.context[-1])
    steps = list(steps)
    aspect = given.shape[1] / given.shape[0]
    figure = _figure(1.65 * aspect * (len(steps) + 1) + 0.3, 2 * 1.65 + 0.4)
    for r, (label, frames) in enumerate(rows):
        for c, step in enumerate([0, *steps]):
            axes = figure.add_subplot(2, len(steps) + 1, r * (len(steps) + 1) + c + 1)
            axes.imshow(given if step == 0 else tile(frames[step - 1]), interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_color("#d5dbe1")
            if r == 0:
                axes.set_title("given" if step == 0 else f"+{step}", fontsize=10, color=INK)
            if c == 0:
                axes.set_ylabel(label, fontsize=10, color=INK)
    return _png(figure)


def _figure(width: float, height: float) -> Any:
    require("matplotlib", extra="report")
    return require("matplotlib.figure", extra="report").Figure(figsize=(width, height), layout="constrained")


def _axes(axes: Any, title: str, across: str, up: str) -> Any:
    axes.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold")
    axes.set_xlabel(across, color=INK)
    axes.set_ylabel(up, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(axis="y", color="#e4e8ec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", integer=True)
    return axes


def _band(
    axes: Any, across: Iterable[int], intervals: list[Interval], colour: str, label: str, dashes: tuple | None = None
) -> None:
    """Draw means as a line and their intervals as a band."""
    x = np.array(list(across))
    mean, low, high = (
        np.array([getattr(interval, name) for interval in intervals]) for name in ("mean", "low", "high")
    )
    style = {} if dashes is None else {"dashes": dashes}
    axes.plot(x, mean, color=colour, label=label, linewidth=1.8, **style)
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    return buffer.getvalue()
