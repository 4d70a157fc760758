"""What all plots share: figure, axes, colours and the PNG. Needs matplotlib.

pyplot is not used, because it keeps global state.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np

from vdworld.extras import require
from vdworld.metrics import Interval

INK, FAINT = "#1f2933", "#9aa5b1"
COLOURS = ("#0b6e99", "#d9730d", "#6940a5", "#448361", "#ad1a72")
"""The colours of text, of baselines and of agents."""


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of this size in inches."""
    require("matplotlib", extra="report")
    return require("matplotlib.figure", extra="report").Figure(figsize=(width, height), layout="constrained")


def style_axes(axes: Any, title: str, x_label: str, y_label: str) -> Any:
    """Set title and labels, apply the style of the report, and return the axes."""
    axes.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold")
    axes.set_xlabel(x_label, color=INK)
    axes.set_ylabel(y_label, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(axis="y", color="#e4e8ec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", integer=True)
    return axes


def draw_band(
    axes: Any, steps: Iterable[int], intervals: list[Interval], colour: str, label: str, dashes: tuple | None = None
) -> None:
    """Draw means as a line and their intervals as a band."""
    x = np.array(list(steps))
    mean, low, high = (
        np.array([getattr(interval, name) for interval in intervals]) for name in ("mean", "low", "high")
    )
    style = {} if dashes is None else {"dashes": dashes}
    axes.plot(x, mean, color=colour, label=label, linewidth=1.8, **style)
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)


def to_png(figure: Any) -> bytes:
    """Return the figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    return buffer.getvalue()
