"""Which process and which network: the same data and the same training time for all of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.table import Table, cell


@dataclass(frozen=True)
class GridEntry:
    """One combination.

    Args:
        process: Its name.
        network: Its name.
        parameters: Of the network, in millions.
        minutes: Of training.
        training_steps: Optimiser steps in that time.
        rates: Imagined frames per second, one per repeat.
        prediction: Of held-out clips.
    """

    process: str
    network: str
    parameters: float
    minutes: float
    training_steps: int
    rates: tuple[float, ...]
    prediction: Prediction

    @property
    def quality(self) -> float:
        """Moving-pixel PSNR in dB, averaged over the reported steps: what the entries are ranked by."""
        values = [self.prediction.interval("moving_psnr", step).mean for step in self.prediction.steps]
        return sum(values) / len(values)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        names = ("moving_psnr", "copy_moving_psnr", "psnr", "copy_psnr", "sharpness")
        scores = {
            name: {str(step): asdict(self.prediction.interval(name, step)) for step in self.prediction.steps}
            for name in names
        }
        plain = {key: value for key, value in vars(self).items() if key != "prediction"}
        return {**plain, "rates": list(self.rates), "quality": self.quality, "scores": scores}


def grid_table(entries: Sequence[GridEntry], title: str) -> Table:
    """Return the combinations, best first."""
    ordered = sorted(entries, key=lambda entry: -entry.quality)
    first = ordered[0].prediction
    rows: list[tuple[str, ...]] = [
        (
            f"{entry.process}, {entry.network}",
            *(cell(entry.prediction.interval("moving_psnr", step)) for step in first.steps),
            f"{entry.quality:.2f}",
            cell(entry.prediction.interval("sharpness", 1), digits=2),
            f"{statistics.median(entry.rates):,.0f}",
            f"{entry.training_steps:,}",
            f"{entry.minutes:.1f}",
        )
        for entry in ordered
    ]
    rows.append(
        ("copy the last frame", *(cell(first.interval("copy_moving_psnr", step)) for step in first.steps), *[""] * 5)
    )
    note = (
        f"Moving-pixel PSNR in dB on {first.num_clips} clips from {first.num_episodes} held-out episodes, in brackets "
        "95% bootstrap intervals over episodes; one seed each. Sharpness is one step ahead, 1 is as sharp as reality. "
        "Frames/s: imagined at batch 32, median of the repeats, reward and continuation included."
    )
    steps = tuple(f"{step} steps" if step > 1 else "1 step" for step in first.steps)
    columns = ("", *steps, "mean", "sharpness", "frames/s", "training steps", "minutes")
    return Table(title, columns, tuple(rows), note)
