"""The results of an evaluation as tables for the terminal, as an HTML page and as JSON."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vdworld.evaluation.drift import Drift
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.assets import draw_assets
from vdworld.evaluation.report.page import page
from vdworld.evaluation.report.table import Table
from vdworld.evaluation.report.tables import PATCH_DISTANCES, control_table, drift_table, prediction_table
from vdworld.evaluation.returns import Returns
from vdworld.metrics import optimizer_steps, shortcomings
from vdworld.storage.atomic_files import write_file

WIDTH = 110  # of the warning in a terminal, in characters


@dataclass
class Report:
    """The results of ``evaluate``; ``print(report)`` shows the tables.

    Args:
        prediction: How well the world predicts held-out clips.
        control: What agents achieved in the real environment; None if it was not played.
        about: Environment, dataset, seed, command, machine, versions and date, one line of text each.
        training: The world's training information, plain JSON values.
        fps: Frames per second of GIFs.
        path: The saved ``report.html``; None before ``save``.
        drift: How long dreams change; None if it was not measured.
    """

    prediction: Prediction
    control: GoalReaching | Returns | None
    about: dict[str, str]
    training: Mapping[str, Any] = field(default_factory=dict)
    fps: float = 10.0
    path: Path | None = None
    drift: Drift | None = None

    def tables(self) -> list[Table]:
        """Return the tables of everything that was measured: prediction, control, drift."""
        tables = [prediction_table(self.prediction)]
        if self.control is not None:
            tables.append(control_table(self.control))
        if self.drift is not None:
            tables.append(drift_table(self.drift))
        return tables

    def table(self) -> str:
        """Return the tables as text for a terminal."""
        return "\n\n".join(table.text() for table in self.tables())

    @property
    def warning(self) -> str:
        """In what the world fails against repeating the last frame, in words; empty if in nothing."""
        return shortcomings(*self.prediction.beside_copying, optimizer_steps(self.training))

    def __str__(self) -> str:
        warning = textwrap.fill(f"Warning: {self.warning}", WIDTH) if self.warning else ""
        path = "" if self.path is None else f"Report: {self.path}"
        return "\n\n".join(filter(None, [self.table(), warning, path]))

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain JSON values, with None for undefined ones."""
        return {
            "about": dict(self.about),
            "warning": self.warning,
            "prediction": _prediction_to_json(self.prediction),
            "control": None if self.control is None else control_to_json(self.control),
            "drift": None if self.drift is None else self.drift.to_json(),
            "training": dict(self.training),
        }

    def save(self, output: str | Path) -> Path:
        """Write ``report.html``, which is self-contained, ``report.json``, and the images as PNG and GIF files.

        Args:
            output: The folder; it is created if it does not exist.

        Returns:
            The path of ``report.html``.

        Raises:
            OSError: A file can't be written; the message names it.
        """
        folder = Path(output)
        assets = draw_assets(self.prediction, self.control, self.fps, self.drift)
        for name, data in assets.items():
            write_file(folder / name, data)
        figures = json.dumps(self.to_json(), indent=2, allow_nan=False, default=str) + "\n"
        write_file(folder / "report.json", figures.encode())
        results = (self.prediction, self.control, self.drift)
        html = page(*results, warning=self.warning, about=self.about, training=self.training, assets=assets)
        write_file(folder / "report.html", html.encode())
        self.path = folder / "report.html"
        return self.path


def control_to_json(control: GoalReaching | Returns) -> dict[str, Any]:
    """Return what agents achieved in the real environment as plain JSON values."""
    if isinstance(control, GoalReaching):
        return {"protocol": "goals", **_goals_to_json(control)}
    return {"protocol": "returns", **_returns_to_json(control)}


def _prediction_to_json(prediction: Prediction) -> dict[str, Any]:
    names = prediction.scores
    steps = range(1, prediction.horizon + 1)
    pairs = [("psnr", "copy_psnr"), ("moving_psnr", "copy_moving_psnr"), ("reward_error", "mean_reward_error")]
    return {
        "steps": list(prediction.steps),
        "num_clips": prediction.num_clips,
        "num_episodes": prediction.num_episodes,
        "seed": prediction.seed,
        "frames_per_second": prediction.frames_per_second,
        "scores": {name: {str(s): prediction.interval(name, s).to_json() for s in steps} for name in names},
        "differences": {
            f"{first} - {second}": {str(s): prediction.difference(first, second, s).to_json() for s in steps}
            for first, second in pairs
            if first in names
        },
        "ratios": {
            f"{first} / {second}": {str(s): prediction.ratio(first, second, s).to_json() for s in prediction.steps}
            for first, second in [PATCH_DISTANCES]
            if first in names
        },
        "end_calibration": None
        if prediction.calibration is None
        else {
            **asdict(prediction.calibration),
            "error": prediction.calibration.error,
            "mean_prediction": prediction.calibration.mean_prediction,
        },
    }


def _goals_to_json(result: GoalReaching) -> dict[str, Any]:
    measures = ("remaining", "success", "strict_success")
    names = list(result.attempts)
    return {
        "num_starts": result.num_starts,
        "num_solved_starts_left_out": result.num_solved,
        "goal_offset": result.goal_offset,
        "budget": result.budget,
        "restored_frame_gap": result.frame_gap,
        "unit": result.unit,
        "rules": result.rules,
        "seed": result.seed,
        "starts": result.windows.tolist(),
        "agents": {
            name: {
                **{measure: result.interval(name, measure).to_json() for measure in measures},
                "seconds": attempt.seconds,
                "per_start": {measure: _plain(getattr(attempt, measure).tolist()) for measure in measures},
            }
            for name, attempt in result.attempts.items()
        },
        "differences": {
            f"{first} - {second}": {m: result.difference(first, second, m).to_json() for m in measures}
            for i, first in enumerate(names)
            for second in names[i + 1 :]
        },
    }


def _returns_to_json(result: Returns) -> dict[str, Any]:
    names = list(result.plays)
    return {
        "num_episodes": len(result.seeds),
        "seeds": list(result.seeds),
        "max_steps": result.max_steps,
        "seed": result.seed,
        "agents": {
            name: {
                "return": result.interval(name).to_json(),
                "human_normalized": None if (normalized := result.normalized(name)) is None else normalized.to_json(),
                "returns": play.returns.tolist(),
                "lengths": play.lengths.tolist(),
                "unfinished": play.unfinished,
                "seconds": play.seconds,
            }
            for name, play in result.plays.items()
        },
        "differences": {
            f"{first} - {second}": result.difference(first, second).to_json()
            for i, first in enumerate(names)
            for second in names[i + 1 :]
        },
    }


def _plain(values: list[Any]) -> list[Any]:
    return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]
