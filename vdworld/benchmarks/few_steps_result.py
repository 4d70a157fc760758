"""The result of the few-steps benchmark: worlds drawn in different numbers of sampling steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vdworld.benchmarks.results import to_text
from vdworld.evaluation.outcome_odds import Outcomes
from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.table import Table, cell


@dataclass(frozen=True)
class FewSteps:
    """One world, drawn in different numbers of sampling steps.

    Args:
        name: Its label in tables.
        predictions: Sampling steps to the prediction of held-out clips, one step ahead; empty without a dataset.
        outcomes: Sampling steps to the outcomes drawn of a random environment; empty without one.
    """

    name: str
    predictions: dict[int, Prediction]
    outcomes: dict[int, Outcomes]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        names = ("moving_psnr", "copy_moving_psnr", "sharpness")
        clips = {
            str(steps): {name: asdict(prediction.interval(name, 1)) for name in names}
            for steps, prediction in self.predictions.items()
        }
        outcomes = {str(steps): drawn.to_json() for steps, drawn in self.outcomes.items()}
        return {"name": self.name, "clips": clips, "outcomes": outcomes}


@dataclass(frozen=True)
class FewStepsComparison:
    """Worlds with and without shortcut training.

    Args:
        outcomes: The odds of a random environment to the worlds trained on it.
        clips: The worlds trained on recorded clips; empty without a dataset.
        about: Seed, training time, command, machine, versions and date; one line of text each.
    """

    outcomes: Mapping[str, Sequence[FewSteps]]
    clips: Sequence[FewSteps]
    about: dict[str, str]

    def __str__(self) -> str:
        tables = [
            outcomes_table(worlds, f"A random environment with the odds {odds}")
            for odds, worlds in self.outcomes.items()
        ]
        return to_text([*tables, *([clips_table(self.clips)] if self.clips else [])], self.about)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        parts = {**self.outcomes, **({"clips": self.clips} if self.clips else {})}
        figures = {name: [world.to_json() for world in worlds] for name, worlds in parts.items()}
        return {"benchmark": "few_steps", "about": self.about, **figures}


def clips_table(worlds: Sequence[FewSteps]) -> Table:
    """Return moving-pixel PSNR and sharpness on held-out clips, one world and number of sampling steps per row."""
    rows: list[tuple[str, ...]] = []
    for world in worlds:
        rows.append((world.name,))
        for steps, prediction in world.predictions.items():
            scores = prediction.interval("moving_psnr", 1), prediction.interval("sharpness", 1)
            rows.append((f"  {_count(steps)}", cell(scores[0]), cell(scores[1], digits=3)))
    prediction = next(iter(worlds[0].predictions.values()))
    note = (
        f"{prediction.num_clips} clips from {prediction.num_episodes} episodes, one step ahead; copying the last frame "
        f"gives {cell(prediction.interval('copy_moving_psnr', 1))} dB. Sharpness: gradient energy of imagined over "
        "real moving pixels, 1 is as sharp as reality. PSNR rewards the blurred mean of possible futures, "
        "sharpness does not. Brackets: 95% bootstrap intervals over episodes."
    )
    return Table("Held-out clips", ("", "moving-pixel PSNR, dB", "sharpness"), tuple(rows), note)


def outcomes_table(worlds: Sequence[FewSteps], title: str) -> Table:
    """Return how often each outcome was drawn, one world and number of sampling steps per row."""
    rows: list[tuple[str, ...]] = []
    first = next(iter(worlds[0].outcomes.values()))
    for world in worlds:
        rows.append((world.name,))
        for steps, drawn in world.outcomes.items():
            shares = [f"{share:.1%}" for share in drawn.frequencies]
            rows.append(
                (f"  {_count(steps)}", *shares, f"{drawn.error:.1f}", f"{drawn.blends:.2%}", f"{drawn.sharpness:.3f}")
            )
    odds = [f"{share:.0%}" for share in first.odds]
    note = (
        f"{first.num_draws:,} frames each; the column headings are the true odds. Chance alone accounts for up to "
        f"{first.margin:.1f} points of difference. A blend is further from the nearest outcome than 10% of the "
        "distance between two outcomes."
    )
    return Table(title, ("", *odds, "largest error, points", "blends", "sharpness"), tuple(rows), note)


def _count(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps} steps"
