"""The plots of a report as PNG bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from vdworld.evaluation.controllers import IDLE, RANDOM
from vdworld.evaluation.drift import WINDOW, Drift
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import ExampleClip, Prediction
from vdworld.evaluation.report.canvas import COLOURS, FAINT, INK, draw_band, new_figure, style_axes, to_png
from vdworld.evaluation.report.gifs import tile
from vdworld.evaluation.report.tables import DRIFT_ROWS
from vdworld.metrics import Calibration, Interval, bootstrap_interval


def prediction_plot(prediction: Prediction) -> bytes:
    """Draw PSNR against the steps ahead, on moving pixels and on all pixels, beside copying the last frame."""
    figure = new_figure(9.2, 3.3)
    panels = (("moving_psnr", "Moving pixels"), ("psnr", "All pixels"))
    steps = range(1, prediction.horizon + 1)
    for i, (name, title) in enumerate(panels):
        axes = style_axes(figure.add_subplot(1, 2, i + 1), title, "steps ahead", "PSNR, dB" if i == 0 else "")
        draw_band(axes, steps, [prediction.interval(name, s) for s in steps], COLOURS[0], "world")
        draw_band(
            axes, steps, [prediction.interval(f"copy_{name}", s) for s in steps], FAINT, "copy last", dashes=(4, 2)
        )
        axes.set_xlim(1, max(prediction.horizon, 2))
        if i == 0:
            axes.legend(frameon=False)
    return to_png(figure)


def distance_plot(result: GoalReaching) -> bytes:
    """Draw the remaining share of the initial distance against the steps taken, one line per agent."""
    figure = new_figure(9.2, 3.3)
    axes = style_axes(figure.add_subplot(), "Distance to the goal, as a share of the initial one", "steps taken", "")
    steps = range(result.budget + 1)
    colours = iter(COLOURS * (1 + len(result.attempts)))
    for name, attempt in result.attempts.items():
        shares = attempt.distances / attempt.distances[:, :1]
        intervals = [bootstrap_interval(shares[:, s], groups=result.windows[:, 0], seed=result.seed) for s in steps]
        baseline = {RANDOM: ("#7b8794", (4, 2)), IDLE: ("#b8c1cb", (1, 1))}.get(name)
        colour, dashes = baseline or (next(colours), None)
        draw_band(axes, steps, intervals, colour, name, dashes=dashes)
    axes.set_xlim(0, result.budget)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, ncols=3, loc="lower left")
    return to_png(figure)


def learning_plot(steps: Sequence[int], intervals: Sequence[Interval], baselines: Mapping[str, Interval]) -> bytes:
    """Draw a policy's return in the real environment against the real steps so far, beside the baselines."""
    figure = new_figure(9.2, 3.3)
    axes = style_axes(figure.add_subplot(), "Return in the real environment", "real steps", "")
    draw_band(axes, steps, list(intervals), COLOURS[0], "policy")
    for name, interval in baselines.items():
        colour, dashes = {RANDOM: ("#7b8794", (4, 2))}.get(name, ("#b8c1cb", (1, 1)))
        draw_band(axes, (steps[0], steps[-1]), [interval, interval], colour, name, dashes=dashes)
    axes.legend(frameon=False, ncols=3, loc="upper left")
    return to_png(figure)


def calibration_plot(calibration: Calibration) -> bytes:
    """Draw how often episodes ended against the predicted probability of their end."""
    figure = new_figure(4.2, 3.3)
    axes = style_axes(figure.add_subplot(), "End of the episode", "predicted probability", "observed frequency")
    top = max(*calibration.predicted, *calibration.observed, 1e-3) * 1.05
    axes.plot([0, top], [0, top], color=FAINT, dashes=(4, 2), linewidth=1)
    axes.plot(calibration.predicted, calibration.observed, "o-", color=COLOURS[0], markersize=4)
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    return to_png(figure)


def drift_plot(drift: Drift) -> bytes:
    """Draw every statistic of long dreams against a logarithmic axis of steps, over the range of recorded frames."""
    figure = new_figure(9.2, 5.2)
    last = drift.steps[-1]
    steps = np.unique(np.geomspace(WINDOW, last, 200).round().astype(int))
    marks = [step for step in drift.steps if step == last or 1.5 * step < last]  # leaves room for the labels
    for i, (name, (title, _)) in enumerate(DRIFT_ROWS.items()):
        axes = style_axes(figure.add_subplot(2, 3, i + 1), title, "steps" if i >= 3 else "", "")
        axes.axhspan(*drift.data.bounds(name), color=FAINT, alpha=0.3, linewidth=0, label="recorded")
        values = np.stack([drift.statistics[name][:, s - WINDOW : s].mean(axis=1) for s in steps])
        low, high = np.quantile(values, [0.1, 0.9], axis=1)
        axes.plot(steps, values.mean(axis=1), color=COLOURS[0], linewidth=1.8, label="dreams")
        axes.fill_between(steps, low, high, color=COLOURS[0], alpha=0.18, linewidth=0)
        axes.set_xscale("log")
        axes.set_xlim(WINDOW, max(last, WINDOW + 1))
        axes.set_xticks(marks, [f"{step:,}" for step in marks])
        axes.minorticks_off()
        if i == 0:
            axes.legend(frameon=False)
    return to_png(figure)


def clip_plot(example: ExampleClip, steps: Iterable[int]) -> bytes:
    """Show real frames above imagined ones: the last context frame, then those at some steps ahead."""
    indices = [step - 1 for step in steps]
    videos = {"real": example.real, "imagined": example.imagined}
    rows = {name: [example.context[-1], *video[indices]] for name, video in videos.items()}
    return _frame_grid(rows, ["context", *(f"+{index + 1}" for index in indices)])


def dreams_plot(drift: Drift) -> bytes:
    """Show three dreams at the reported steps, ranked by the distance of their last frame from recorded frames."""
    order = np.argsort(drift.at(drift.steps[-1])["distance"])
    ranks = {"nearest": order[0], "median": order[len(order) // 2], "furthest": order[-1]}
    rows = {label: list(drift.frames[lane]) for label, lane in ranks.items()}
    return _frame_grid(rows, ["context", *(f"+{step:,}" for step in drift.steps)])


def _frame_grid(rows: Mapping[str, Sequence[np.ndarray]], titles: Sequence[str]) -> bytes:
    """Show frames ``[h, w, c]`` in a grid with named rows and titled columns."""
    tiled_rows = {name: [tile(pixels) for pixels in frames] for name, frames in rows.items()}
    height, width = next(iter(tiled_rows.values()))[0].shape[:2]
    figure = new_figure(1.65 * width / height * len(titles) + 0.3, len(tiled_rows) * 1.65 + 0.4)
    for r, (name, tiled) in enumerate(tiled_rows.items()):
        for c, (title, pixels) in enumerate(zip(titles, tiled, strict=True)):
            axes = figure.add_subplot(len(tiled_rows), len(titles), r * len(titles) + c + 1)
            axes.imshow(pixels, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_color("#d5dbe1")
            if r == 0:
                axes.set_title(title, fontsize=10, color=INK)
            if c == 0:
                axes.set_ylabel(name, fontsize=10, color=INK)
    return to_png(figure)
