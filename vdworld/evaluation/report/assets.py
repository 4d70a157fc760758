"""Every picture of a report, drawn once and kept as bytes under its file name."""

from __future__ import annotations

import numpy as np

from vdworld.evaluation.drift import Drift
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.gifs import attempt_gif, clip_gif
from vdworld.evaluation.report.plots import (
    calibration_plot,
    distance_plot,
    drift_plot,
    drift_strip,
    film_strip,
    prediction_plot,
)
from vdworld.evaluation.returns import Returns

_RANKS = {"best": 0.0, "median": 0.5, "worst": 1.0}


def draw(
    prediction: Prediction, control: GoalReaching | Returns | None, fps: float, drift: Drift | None = None
) -> dict[str, bytes]:
    """Return file name to PNG or GIF bytes.

    ``prediction.png``, ``ends.png``, ``clip_<label>.png`` and ``.gif``, ``distance.png``, ``attempt_<rank>.gif``,
    ``drift.png`` and ``drift_frames.png``, as far as there is something to show. Attempts are ranked by how the first
    agent fared.
    """
    art = {"prediction.png": prediction_plot(prediction)}
    if prediction.calibration is not None:
        art["ends.png"] = calibration_plot(prediction.calibration)
    for picture in prediction.pictures:
        stem = f"clip_{picture.label.replace(' ', '_')}"
        art[f"{stem}.png"] = film_strip(picture, prediction.steps)
        art[f"{stem}.gif"] = clip_gif(picture, fps)
    if isinstance(control, GoalReaching):
        art["distance.png"] = distance_plot(control)
        order = np.argsort(next(iter(control.attempts.values())).remaining)
        chosen = {rank: int(order[round(share * (len(order) - 1))]) for rank, share in _RANKS.items()}
        for rank, start in chosen.items():
            art[f"attempt_{rank}.gif"] = attempt_gif(control, start, fps)
    if drift is not None:
        art |= {"drift.png": drift_plot(drift), "drift_frames.png": drift_strip(drift)}
    return art
