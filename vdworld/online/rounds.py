"""How an online run is divided into rounds, and what came of each."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vdworld.evaluation.report.plots import learning_plot
from vdworld.evaluation.report.table import Table, cell
from vdworld.metrics import Interval

PROGRESS = "progress.json"


@dataclass(frozen=True)
class Target:
    """What has been done, in all, at the end of a round.

    Args:
        real_steps: Steps in the real environment.
        world_steps: Optimiser steps of the world.
        dream_steps: Imagined steps that the policy learnt from.
    """

    real_steps: int
    world_steps: int
    dream_steps: int


@dataclass(frozen=True)
class Rounds:
    """How much of everything happens in the first round, and how much in every other one.

    Args:
        num_real_steps: Steps in the real environment, all rounds together.
        num_first_real_steps: Of these, random ones before anything is learnt.
        num_round_real_steps: Steps of the policy in every further round.
        num_first_world_steps: Optimiser steps of the world in the first round.
        num_round_world_steps: Likewise in every further one.
        num_first_dream_steps: Imagined steps that the policy learns from in the first round.
        num_round_dream_steps: Likewise in every further one.
        num_last_rounds: Rounds at the end that learn without acting.

    Raises:
        ValueError: A number out of range.
    """

    num_real_steps: int = 10_000
    num_first_real_steps: int = 2_000
    num_round_real_steps: int = 1_000
    num_first_world_steps: int = 1_000
    num_round_world_steps: int = 200
    num_first_dream_steps: int = 10_000
    num_round_dream_steps: int = 10_000
    num_last_rounds: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < (0 if name == "num_last_rounds" else 1):
                raise ValueError(f"`{name}` must be at least 1, got {value}.")
        if self.num_first_real_steps > self.num_real_steps:
            raise ValueError(
                f"`num_first_real_steps` must be at most {self.num_real_steps} (`num_real_steps`), "
                f"got {self.num_first_real_steps}."
            )

    def __len__(self) -> int:
        """Return the number of rounds."""
        later = self.num_real_steps - self.num_first_real_steps
        return 1 + math.ceil(later / self.num_round_real_steps) + self.num_last_rounds

    def __iter__(self) -> Iterator[Target]:
        """Yield what each round is to reach."""
        for index in range(len(self)):
            real = self.num_first_real_steps + index * self.num_round_real_steps
            yield Target(
                min(real, self.num_real_steps),
                self.num_first_world_steps + index * self.num_round_world_steps,
                self.num_first_dream_steps + index * self.num_round_dream_steps,
            )


@dataclass(frozen=True)
class Round:
    """What came of one round.

    Args:
        number: From 1.
        real_steps: Steps taken in the real environment so far.
        world_steps: Optimiser steps of the world so far.
        dream_steps: Imagined steps learnt from so far.
        minutes: Time that the round took, its evaluation included.
        real_return: The policy's mean return in the real environment, with its interval; None if it was not played.
    """

    number: int
    real_steps: int
    world_steps: int
    dream_steps: int
    minutes: float
    real_return: Interval | None = None


@dataclass
class OnlineResult:
    """The rounds of an online run, as they are kept in its folder.

    Args:
        rounds: Those done so far.
        baselines: Mean returns of random actions and of doing nothing, by name.
        about: What was run; one line of text each.
    """

    rounds: list[Round] = field(default_factory=list)
    baselines: dict[str, Interval] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([self.table().text(), "", *lines])

    def table(self) -> Table:
        """Return one row per evaluated round, and the floors."""
        rows: list[tuple[str, ...]] = [
            (f"{done.real_steps:,}", cell(done.real_return, 2), f"{done.dream_steps:,}", f"{done.minutes:.1f}")
            for done in self.rounds
            if done.real_return is not None
        ]
        rows += [(name, cell(interval, 2), "", "") for name, interval in self.baselines.items()]
        note = "Brackets: 95% bootstrap intervals over episodes. Minutes are those of the round alone."
        return Table("The online loop", ("real steps", "real return", "dreamt steps", "minutes"), tuple(rows), note)

    def plot(self) -> bytes:
        """Draw the real return against the real steps, as PNG."""
        played = [done for done in self.rounds if done.real_return is not None]
        earned = [done.real_return for done in played if done.real_return is not None]
        return learning_plot([done.real_steps for done in played], earned, self.baselines)

    def save(self, folder: Path) -> None:
        """Write ``progress.json``, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / f".{PROGRESS}"
        scratch.write_text(json.dumps(self.to_json(), indent=2), encoding="utf-8")
        os.replace(scratch, folder / PROGRESS)

    @classmethod
    def load(cls, folder: Path) -> OnlineResult:
        """Read ``progress.json``; without one, nothing has been done yet."""
        if not (folder / PROGRESS).exists():
            return cls()
        values = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
        rounds = [Round(**{**row, "real_return": _interval(row["real_return"])}) for row in values["rounds"]]
        baselines = {name: Interval.from_json(row) for name, row in values["baselines"].items()}
        return cls(rounds, baselines, values["about"])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        rounds = [
            {**asdict(done), "real_return": None if done.real_return is None else done.real_return.to_json()}
            for done in self.rounds
        ]
        baselines = {name: interval.to_json() for name, interval in self.baselines.items()}
        return {"rounds": rounds, "baselines": baselines, "about": self.about}


def _interval(values: dict[str, Any] | None) -> Interval | None:
    return None if values is None else Interval.from_json(values)
