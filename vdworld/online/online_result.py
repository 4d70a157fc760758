"""The result of an online run: its rounds, as a table, a plot and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vdworld.argument_hints import FormerAttribute
from vdworld.evaluation.report.plots import learning_plot
from vdworld.evaluation.report.table import Table, cell
from vdworld.json_values import arguments_from_json, reading, value_from_json
from vdworld.metrics import Interval
from vdworld.storage.saved_folder import FolderContent, read_folder, save_folder
from vdworld.world.older_names import with_present_names

PROGRESS = "progress.json"
"""The file in which a run keeps its result."""


@dataclass(frozen=True)
class Round:
    """A round that has ended.

    Args:
        number: The number of the round, from 1.
        real_steps: Steps in the real environment so far.
        world_steps: Optimiser steps of the world so far.
        dream_steps: Imagined steps from which the policy has learnt so far.
        minutes: Duration of the round, including its evaluation.
        real_return: The policy's mean return in the real environment, with its interval; None if it was not evaluated.
    """

    number: int
    real_steps: int
    world_steps: int
    dream_steps: int
    minutes: float
    real_return: Interval | None = None


@dataclass
class OnlineResult:
    """The rounds of an online run, which its folder keeps in ``progress.json``.

    Args:
        rounds: The rounds so far.
        baselines: Mean returns of random actions and of no action, by name.
        about: Environment, seed, command, machine, versions and date, one line of text each.
    """

    rounds: list[Round] = field(default_factory=list)
    baselines: dict[str, Interval] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)

    floors = FormerAttribute("is now called `baselines`")

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([self.table().text(), "", *lines])

    def table(self) -> Table:
        """Return one row per evaluated round, and the baselines."""
        rows: list[tuple[str, ...]] = [
            (f"{entry.real_steps:,}", cell(entry.real_return, 2), f"{entry.dream_steps:,}", f"{entry.minutes:.1f}")
            for entry in self.rounds
            if entry.real_return is not None
        ]
        rows += [(name, cell(interval, 2), "", "") for name, interval in self.baselines.items()]
        note = "Brackets: 95% bootstrap intervals over episodes. Minutes: duration of this round alone."
        return Table("The online loop", ("real steps", "real return", "imagined steps", "minutes"), tuple(rows), note)

    def plot(self) -> bytes:
        """Return a plot of the real return against the real steps, as PNG bytes."""
        points = [(entry.real_steps, entry.real_return) for entry in self.rounds if entry.real_return is not None]
        return learning_plot([steps for steps, _ in points], [value for _, value in points], self.baselines)

    def save(self, folder: Path) -> None:
        """Write ``progress.json``; it holds the earlier result or the new one at every moment."""
        save_folder(folder, FolderContent(self.to_json()), PROGRESS)

    @classmethod
    def load(cls, folder: Path) -> OnlineResult:
        """Read ``progress.json``; return an empty result if there is none.

        Raises:
            ValueError: The file is damaged.
        """
        if not (folder / PROGRESS).exists():
            return cls()
        values = with_present_names(read_folder(folder, (), PROGRESS).description)
        with reading(folder / PROGRESS):
            rounds = [_round(row) for row in value_from_json("rounds", values["rounds"], list[dict[str, Any]])]
            saved = value_from_json("baselines", values["baselines"], dict[str, dict[str, Any]])
            baselines = {name: Interval.from_json(row) for name, row in saved.items()}
            return cls(rounds, baselines, value_from_json("about", values["about"], dict[str, str]))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        rounds = [
            {**asdict(entry), "real_return": None if entry.real_return is None else entry.real_return.to_json()}
            for entry in self.rounds
        ]
        baselines = {name: interval.to_json() for name, interval in self.baselines.items()}
        return {"rounds": rounds, "baselines": baselines, "about": self.about}


def _round(values: dict[str, Any]) -> Round:
    saved = values["real_return"]
    real_return = None if saved is None else Interval.from_json(saved)
    return Round(**arguments_from_json(Round, {**values, "real_return": real_return}))
