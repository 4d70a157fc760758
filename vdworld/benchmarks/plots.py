"""Plots of benchmarks, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from vdworld.evaluation.report.canvas import COLOURS, FAINT, new_figure, style_axes, to_png

Rates = Mapping[tuple[int, int], Sequence[float]]
"""(batch size, sampling steps) to frames per second, one value per repeat."""


def scaling_plot(milliseconds: Mapping[str, Mapping[int, float]]) -> bytes:
    """Draw the time per step along each axis.

    Args:
        milliseconds: Each axis in words, to the times at its places.
    """
    figure = new_figure(9.2, 5.2)
    for i, (axis, costs) in enumerate(milliseconds.items()):
        y_label = "ms per step" if i % 2 == 0 else ""
        axes = style_axes(figure.add_subplot(2, 2, i + 1), f"Cost with {axis}", axis, y_label)
        axes.plot(list(costs), list(costs.values()), "o-", color=COLOURS[0], markersize=4, linewidth=1.8)
        axes.set_xscale("log")
        axes.set_xticks(list(costs), [f"{place:,}" for place in costs])
        axes.minorticks_off()
        axes.set_ylim(bottom=0, top=1.15 * max(costs.values()))
    return to_png(figure)


def speed_plot(rates: Rates, peer: Rates | None = None, peer_name: str = "peer") -> bytes:
    """Draw frames per second against the batch size, one line per number of sampling steps.

    Args:
        rates: Rates of the world.
        peer: Rates of another world, which always samples in its own number of steps; None draws none.
        peer_name: The label of the other world.
    """
    figure = new_figure(5.6, 3.6)
    axes = style_axes(figure.add_subplot(), "Imagined frames per second", "dreams at a time", "")
    steps, batches = sorted({steps for _, steps in rates}), sorted({batch for batch, _ in rates})
    for i, count in enumerate(steps):
        line = [rates[batch, count] for batch in batches]
        _spread_line(axes, batches, line, COLOURS[i % len(COLOURS)], steps_in_words(count))
    if peer is not None:
        _spread_line(axes, batches, [peer[batch, steps[0]] for batch in batches], FAINT, peer_name)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(batches, [f"{batch:,}" for batch in batches])
    axes.legend(frameon=False)
    return to_png(figure)


def steps_in_words(count: int) -> str:
    """Return a number of sampling steps in words."""
    return f"{count} sampling step{'s' if count > 1 else ''}"


def _spread_line(axes: Any, places: Sequence[int], rates: Sequence[Sequence[float]], colour: str, label: str) -> None:
    """Draw the medians, and a band from the slowest to the fastest."""
    axes.plot(places, [median(values) for values in rates], "o-", color=colour, markersize=4, label=label)
    low, high = ([end(values) for values in rates] for end in (min, max))
    axes.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
