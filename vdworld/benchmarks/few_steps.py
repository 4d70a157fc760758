"""What a frame drawn in few sampling steps loses against one drawn in many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vdworld.data import Dataset
from vdworld.evaluation.outcome_odds import KnownOdds, Outcomes, measure_outcomes
from vdworld.evaluation.prediction import Prediction, predict
from vdworld.evaluation.report.table import Table, cell
from vdworld.evaluation.world_protocol import World

STEPS = (1, 2, 4, 32)
"""Sampling steps to compare; the last is the reference."""


@dataclass(frozen=True)
class FewSteps:
    """One world, drawn in different numbers of sampling steps.

    Args:
        name: What the world is called in tables.
        predictions: Sampling steps to the prediction of held-out clips, one step ahead; empty without a dataset.
        outcomes: Sampling steps to what became of a random environment's odds; empty without one.
    """

    name: str
    predictions: dict[int, Prediction]
    outcomes: dict[int, Outcomes]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        names = ("moving_psnr", "copy_moving_psnr", "sharpness")
        clips = {
            str(steps): {name: asdict(found.interval(name, 1)) for name in names}
            for steps, found in self.predictions.items()
        }
        return {
            "name": self.name,
            "clips": clips,
            "outcomes": {str(steps): found.to_json() for steps, found in self.outcomes.items()},
        }


def measure_few_steps(
    world: World,
    *,
    name: str,
    dataset: Dataset | None = None,
    env: KnownOdds | None = None,
    steps: Sequence[int] = STEPS,
    num_clips: int = 128,
    num_draws: int = 10_000,
    seed: int = 0,
    progress: bool = True,
) -> FewSteps:
    """Draw the same frames in different numbers of sampling steps.

    Args:
        world: The world to measure.
        name: What to call it.
        dataset: Held-out episodes to predict one step ahead.
        env: A random environment whose odds are known.
        steps: Numbers of sampling steps.
        num_clips: Clips to predict.
        num_draws: Frames to draw of the random environment.
        seed: Decides clips, contexts and dreams.
        progress: Whether to show progress bars.
    """
    common: dict[str, Any] = {"seed": seed, "progress": progress}
    predictions, outcomes = {}, {}
    for count in steps:
        if dataset is not None:
            predictions[count] = predict(
                world, dataset, steps=(1,), num_clips=num_clips, num_sampling_steps=count, **common
            )
        if env is not None:
            outcomes[count] = measure_outcomes(world, env, num_draws=num_draws, num_sampling_steps=count, **common)
    return FewSteps(name, predictions, outcomes)


def clips_table(found: Sequence[FewSteps]) -> Table:
    """Return moving-pixel PSNR and sharpness of held-out clips, worlds and sampling steps down."""
    rows: list[tuple[str, ...]] = []
    for world in found:
        rows.append((world.name,))
        for steps, prediction in world.predictions.items():
            scores = prediction.interval("moving_psnr", 1), prediction.interval("sharpness", 1)
            rows.append((f"  {_count(steps)}", cell(scores[0]), cell(scores[1], digits=3)))
    prediction = next(iter(found[0].predictions.values()))
    note = (
        f"{prediction.num_clips} clips from {prediction.num_episodes} episodes, one step ahead; copying the last frame "
        f"gives {cell(prediction.interval('copy_moving_psnr', 1))} dB. Sharpness: gradient energy of imagined over "
        "real moving pixels, 1 is as sharp as reality. PSNR rewards the blurred mean of what may come, sharpness "
        "does not. Brackets: 95% bootstrap intervals over episodes."
    )
    return Table("Held-out clips", ("", "moving-pixel PSNR, dB", "sharpness"), tuple(rows), note)


def outcomes_table(found: Sequence[FewSteps], title: str) -> Table:
    """Return how often each outcome of a random environment was drawn, worlds and sampling steps down."""
    rows: list[tuple[str, ...]] = []
    first = next(iter(found[0].outcomes.values()))
    for world in found:
        rows.append((world.name,))
        for steps, seen in world.outcomes.items():
            shares = [f"{share:.1%}" for share in seen.frequencies]
            rows.append(
                (f"  {_count(steps)}", *shares, f"{seen.error:.1f}", f"{seen.blends:.2%}", f"{seen.sharpness:.3f}")
            )
    odds = [f"{share:.0%}" for share in first.odds]
    note = (
        f"{first.num_draws:,} frames each; the true odds head the columns. Chance alone makes up to {first.margin:.1f} "
        "points of difference. Blend: further than 10% of the distance between two outcomes from the nearest one."
    )
    return Table(title, ("", *odds, "most points off", "blends", "sharpness"), tuple(rows), note)


def _count(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps} steps"
