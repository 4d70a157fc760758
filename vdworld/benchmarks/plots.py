"""The plots of benchmarks, each as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from vdworld.benchmarks.scaling import AXES, Growth
from vdworld.benchmarks.speed import Speed, steps_in_words
from vdworld.benchmarks.speed_beside import SpeedBeside
from vdworld.evaluation.report.canvas import COLOURS, FAINT, new_figure, style_axes, to_png


def growth_plot(growth: Growth) -> bytes:
    """Draw what a step costs along each axis; places on a logarithmic axis, times from 0."""
    figure = new_figure(9.2, 5.2)
    for i, (axis, costs) in enumerate(growth.milliseconds.items()):
        across = AXES[axis]
        axes = style_axes(
            figure.add_subplot(2, 2, i + 1), f"Cost with {across}", across, "ms per step" if i % 2 == 0 else ""
        )
        axes.plot(list(costs), list(costs.values()), "o-", color=COLOURS[0], markersize=4, linewidth=1.8)
        axes.set_xscale("log")
        axes.set_xticks(list(costs), [f"{place:,}" for place in costs])
        axes.minorticks_off()
        axes.set_ylim(bottom=0, top=1.15 * max(costs.values()))
    return to_png(figure)


def speed_plot(speed: Speed | SpeedBeside) -> bytes:
    """Draw frames per second against the batch, one line per number of sampling steps; a peer's beside them."""
    figure = new_figure(5.6, 3.6)
    axes = style_axes(figure.add_subplot(), "Imagined frames per second", "dreams at a time", "")
    turns = speed.turns if isinstance(speed, SpeedBeside) else {}
    ours = speed.rates if isinstance(speed, Speed) else {place: both.ours for place, both in turns.items()}
    steps, batches = sorted({steps for _, steps in ours}), sorted({batch for batch, _ in ours})
    for i, count in enumerate(steps):
        rates = [ours[batch, count] for batch in batches]
        _spread_line(axes, batches, rates, COLOURS[i % len(COLOURS)], steps_in_words(count))
    if isinstance(speed, SpeedBeside):
        rates = [turns[batch, steps[0]].peer for batch in batches]
        _spread_line(axes, batches, rates, FAINT, speed.names[1])
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(batches, [f"{batch:,}" for batch in batches])
    axes.legend(frameon=False)
    return to_png(figure)


def _spread_line(axes: Any, places: Sequence[int], rates: Sequence[Sequence[float]], colour: str, name: str) -> None:
    """Draw medians, and the slowest and the fastest around them."""
    axes.plot(places, [median(values) for values in rates], "o-", color=colour, markersize=4, label=name)
    low, high = ([end(values) for values in rates] for end in (min, max))
    axes.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
