"""The result of learning in dreams beside learning in real steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vdworld.benchmarks.results import to_text
from vdworld.evaluation.controllers import RANDOM
from vdworld.evaluation.report.table import Table, cell
from vdworld.evaluation.returns import Returns
from vdworld.metrics import Interval, bootstrap_interval, paired_difference


@dataclass(frozen=True)
class DreamVsReal:
    """Returns in the real environment of policies that learnt in dreams or in real steps.

    Args:
        returns: Returns of the runs ``"<way>, seed <s>"`` and of the baselines, in the same episodes.
        minutes: Learning time of each run, by the same names.
        ways: The ways of learning that were compared.
        seeds: Seeds of the runs of each way.
        num_steps: Number of steps that each run learnt from.
        about: World, settings, command, machine, versions and date; one line of text each.
    """

    returns: Returns
    minutes: dict[str, float]
    ways: tuple[str, ...]
    seeds: tuple[int, ...]
    num_steps: int
    about: dict[str, str]

    def __str__(self) -> str:
        return to_text([self.table()], self.about)

    def values(self, way: str) -> np.ndarray:
        """Return each episode's return ``[b]``, averaged over a way's runs; a baseline has one run."""
        if way not in self.ways:
            return self.returns.plays[way].returns
        return np.mean([self.returns.plays[run_name(way, seed)].returns for seed in self.seeds], axis=0)

    def interval(self, way: str) -> Interval:
        """Return the mean return of a way or a baseline, with its interval over episodes."""
        return bootstrap_interval(self.values(way), seed=self.returns.seed)

    def difference(self, first: str, second: str) -> Interval:
        """Return the mean difference of two ways or baselines, paired by episode."""
        return paired_difference(self.values(first), self.values(second), seed=self.returns.seed)

    def table(self) -> Table:
        """Return one row per way and baseline."""
        rows = []
        for name in [*self.ways, *(name for name in self.returns.plays if ", seed " not in name)]:
            runs = [run_name(name, seed) for seed in self.seeds] if name in self.ways else []
            means = ", ".join(f"{self.returns.plays[run].returns.mean():.2f}" for run in runs)
            minutes = f"{np.mean([self.minutes[run] for run in runs]):.1f}" if runs else ""
            gap = "" if name == RANDOM else cell(self.difference(name, RANDOM), 2, signed=True)
            rows.append((name, cell(self.interval(name), 2), gap, means, minutes))
        note = (
            f"{len(self.returns.seeds)} real episodes per run, the same for all; {self.num_steps:,} steps of learning "
            f"per run; runs per way: {len(self.seeds)}. Brackets: 95% bootstrap intervals over episodes, of the mean "
            "over runs; differences are paired by episode."
        )
        columns = ("learnt from", "real return", "minus random's", "each run", "minutes")
        return Table("Policies in the real environment", columns, tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        plays = {name: play.returns.tolist() for name, play in self.returns.plays.items()}
        runs = {"ways": self.ways, "seeds": self.seeds, "num_steps": self.num_steps, "minutes": self.minutes}
        return {"benchmark": "dream_vs_real", "about": self.about, **runs, "returns": plays}


def run_name(way: str, seed: int) -> str:
    """Return the name of a run."""
    return f"{way}, seed {seed}"
