"""The images of a report as PNG and GIF bytes, by file name."""

from __future__ import annotations

import numpy as np

from vdworld.evaluation.drift import Drift
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import ExampleClip, Prediction
from vdworld.evaluation.report.gifs import attempt_gif, clip_gif
from vdworld.evaluation.report.plots import (
    calibration_plot,
    clip_plot,
    distance_plot,
    dreams_plot,
    drift_plot,
    prediction_plot,
)
from vdworld.evaluation.returns import Returns

_RANKS = {"best": 0.0, "median": 0.5, "worst": 1.0}


def draw_assets(
    prediction: Prediction, control: GoalReaching | Returns | None, fps: float, drift: Drift | None = None
) -> dict[str, bytes]:
    """Return the images of everything that was measured.

    They are ``prediction.png``, ``ends.png``, ``clip_<label>.png`` and ``.gif``, ``distance.png``,
    ``attempt_<rank>.gif``, ``drift.png`` and ``drift_frames.png``. Attempts are ranked by the remaining distance of the
    first agent.
    """
    assets = {"prediction.png": prediction_plot(prediction)}
    if prediction.calibration is not None:
        assets["ends.png"] = calibration_plot(prediction.calibration)
    for example in prediction.examples:
        assets[f"{example_name(example)}.png"] = clip_plot(example, prediction.steps)
        assets[f"{example_name(example)}.gif"] = clip_gif(example, fps)
    if isinstance(control, GoalReaching):
        assets["distance.png"] = distance_plot(control)
        order = np.argsort(next(iter(control.attempts.values())).remaining)
        for rank, share in _RANKS.items():
            start = int(order[round(share * (len(order) - 1))])
            assets[f"attempt_{rank}.gif"] = attempt_gif(control, start, fps)
    if drift is not None:
        assets |= {"drift.png": drift_plot(drift), "drift_frames.png": dreams_plot(drift)}
    return assets


def example_name(example: ExampleClip) -> str:
    """Return the name of an example's files, without suffix."""
    return f"clip_{example.label.replace(' ', '_')}"
