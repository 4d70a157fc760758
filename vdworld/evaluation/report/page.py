"""The page of a report: one self-contained HTML file, rendered from ``templates/report.html``."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from vdworld.evaluation.drift import Drift
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.assets import example_name
from vdworld.evaluation.report.headlines import headlines
from vdworld.evaluation.report.tables import control_table, drift_table, prediction_table
from vdworld.evaluation.returns import Returns
from vdworld.extras import require
from vdworld.metrics import Calibration

_RANKS = {"best": "The best start", "median": "A median start", "worst": "The worst start"}
_MAX_LISTED = 8  # values of a list on the page; longer ones are in report.json


def page(
    prediction: Prediction,
    control: GoalReaching | Returns | None,
    drift: Drift | None,
    *,
    warning: str,
    about: Mapping[str, str],
    training: Mapping[str, Any],
    assets: Mapping[str, bytes],
) -> str:
    """Return the whole page.

    Args:
        prediction: How well the world predicts held-out clips.
        control: What agents achieved in the real environment; None leaves the section out.
        drift: How long dreams change; None leaves the section out.
        warning: In what the world fails against repeating the last frame; empty if in nothing.
        about: Where the figures come from, one line of text each.
        training: The world's training information.
        assets: PNG and GIF files by name; the page contains them as data URIs.
    """
    jinja2 = require("jinja2", extra="report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vdworld.evaluation.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    calibration = prediction.calibration
    agent = next(iter(control.attempts)) if isinstance(control, GoalReaching) else None
    return environment.get_template("report.html").render(
        title=about.get("environment", "World model"),
        subtitle=" · ".join(about[key] for key in ("dataset", "date") if key in about),
        warning=warning,
        headlines=headlines(prediction, control, drift),
        prediction_table=prediction_table(prediction),
        control_table=None if control is None else control_table(control),
        drift_table=None if drift is None else drift_table(drift),
        calibration=None if calibration is None else _describe_calibration(calibration),
        attempts={} if agent is None else {rank: f"{words} of {agent}" for rank, words in _RANKS.items()},
        examples=[(example, example_name(example)) for example in prediction.examples],
        images={name: _data_uri(name, data) for name, data in assets.items()},
        training=_flatten(training),
        about=about,
    )


def _describe_calibration(calibration: Calibration) -> str:
    rate, predicted = calibration.num_events / calibration.count, calibration.mean_prediction
    return (
        f"Episodes ended in {calibration.num_events} of {calibration.count} steps, {rate:.2%}; the mean prediction was "
        f"{predicted:.2%}. Brier score: "
        f"{calibration.brier:.4f}, against {calibration.brier_of_rate:.4f} for always predicting the frequency. "
        f"Calibration error: {calibration.error:.4f}."
    )


def _data_uri(name: str, data: bytes) -> str:
    return f"data:image/{name.rpartition('.')[2]};base64,{base64.b64encode(data).decode()}"


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested values as one line of text each, without long lists."""
    lines: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            lines |= _flatten(value, f"{name}: ")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            lines[name] = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
        elif isinstance(value, str) or (
            value is not None and (not isinstance(value, Sequence) or len(value) <= _MAX_LISTED)
        ):
            lines[name] = str(value)
    return lines
