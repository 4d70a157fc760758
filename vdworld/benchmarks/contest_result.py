"""The result of a contest of two worlds: tables for the terminal, figures for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vdworld.benchmarks.results import to_text
from vdworld.benchmarks.timing import PairedRates
from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.table import Table, cell, spread_cell
from vdworld.metrics import Interval, paired_difference

SCORES = {"moving_psnr": "Moving pixels: PSNR in dB", "psnr": "All pixels: PSNR in dB", "sharpness": "Sharpness"}


@dataclass(frozen=True)
class Contestant:
    """One of the two worlds.

    Args:
        name: Its label in tables.
        prediction: Its scores on the clips.
        training: How it was trained; plain JSON values.
        has_reward: Whether it also imagines rewards and continuations, which takes time.
    """

    name: str
    prediction: Prediction
    training: Mapping[str, Any] = field(default_factory=dict)
    has_reward: bool = True

    @property
    def imagines(self) -> str:
        """What each of its steps yields, in words."""
        return f"{self.name} imagines " + ("frame, reward and continuation" if self.has_reward else "frames alone")


@dataclass(frozen=True)
class Contest:
    """The result of a contest; ``print(contest)`` shows its tables.

    Args:
        ours: Our world.
        peer: The other world, measured on the same clips.
        rates: Batch size to imagined frames per second.
        about: Dataset, seed, command, machine, versions and date; one line of text each.
        notes: What else a reader must know.
    """

    ours: Contestant
    peer: Contestant
    rates: dict[int, PairedRates]
    about: dict[str, str] = field(default_factory=dict)
    notes: str = ""

    def __str__(self) -> str:
        return to_text([self.prediction_table(), self.speed_table()], self.about)

    def difference(self, score: str, step: int) -> Interval:
        """Return our score minus the peer's at a step ahead, paired by clip, with its 95% interval."""
        ours, peer = self.ours.prediction, self.peer.prediction
        values = (prediction.scores[score][:, step - 1] for prediction in (ours, peer))
        return paired_difference(*values, groups=ours.windows[:, 0], seed=ours.seed)

    def intervals(self, score: str) -> dict[str, list[Interval]]:
        """Return the score of ``ours``, ``peer``, ``copy_last`` (sharpness has none) and the ``difference`` by step."""
        prediction = self.ours.prediction
        steps = prediction.steps
        rows = {name: [one.prediction.interval(score, step) for step in steps] for name, one in self._contestants()}
        if f"copy_{score}" in prediction.scores:
            rows["copy_last"] = [prediction.interval(f"copy_{score}", step) for step in steps]
        return {**rows, "difference": [self.difference(score, step) for step in steps]}

    def prediction_table(self) -> Table:
        """Return the scores of both worlds and of copying the last frame, steps ahead as columns."""
        labels = {name: one.name for name, one in self._contestants()}
        labels |= {"copy_last": "copy last", "difference": f"{self.ours.name} - {self.peer.name}"}
        rows: list[tuple[str, ...]] = []
        for score, title in SCORES.items():
            digits = 2 if score == "sharpness" else 1
            rows.append((title,))
            for name, line in self.intervals(score).items():
                cells = (cell(interval, digits, signed=name == "difference") for interval in line)
                rows.append((f"  {labels[name]}", *cells))
        ours = self.ours.prediction
        note = (
            f"{ours.num_clips} clips from {ours.num_episodes} held-out episodes, rolled out under the recorded "
            "actions. Brackets: 95% bootstrap intervals over episodes; differences are paired by clip. Moving "
            f"pixels are those that differ from the last context frame. Sharpness: 1 is as sharp as reality. "
            f"{self.notes}"
        )
        steps = tuple("1 step" if step == 1 else f"{step} steps" for step in ours.steps)
        return Table("Prediction", ("", *steps), tuple(rows), note.strip())

    def speed_table(self) -> Table:
        """Return the imagined frames per second of both, batch sizes down."""
        rows = [
            (f"batch {batch}", spread_cell(rates.ours), spread_cell(rates.peer), spread_cell(rates.ratios))
            for batch, rates in self.rates.items()
        ]
        repeats = len(next(iter(self.rates.values())).ours)
        note = (
            f"Median of {repeats} turns, in brackets the lowest and the highest; the worlds take turns in one process. "
            f"{self.ours.imagines}; {self.peer.imagines}."
        )
        return Table("Imagined frames per second", ("", self.ours.name, self.peer.name, "ratio"), tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain JSON values; undefined values are None."""
        scores = {
            score: {name: [interval.to_json() for interval in line] for name, line in self.intervals(score).items()}
            for score in SCORES
        }
        prediction = self.ours.prediction
        return {
            "benchmark": "contest",
            "about": self.about,
            "notes": self.notes,
            "steps": list(prediction.steps),
            "num_clips": prediction.num_clips,
            "num_episodes": prediction.num_episodes,
            "prediction": scores,
            "speed": [{"batch_size": batch, **rates.to_json()} for batch, rates in self.rates.items()],
            "training": {name: dict(one.training) for name, one in self._contestants()},
        }

    def _contestants(self) -> tuple[tuple[str, Contestant], ...]:
        return ("ours", self.ours), ("peer", self.peer)
