"""Train a world on recorded clips for some minutes, and measure it on the held-out ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vdworld.benchmarks.gpu.isolation import NotRunError
from vdworld.benchmarks.gpu.settings import GpuSettings, PartResult
from vdworld.data import Dataset, load_dataset
from vdworld.data.layout import INFO
from vdworld.evaluation.prediction import Prediction, predict
from vdworld.evaluation.report.plots import clip_plot
from vdworld.evaluation.report.table import Table
from vdworld.evaluation.report.tables import prediction_table
from vdworld.training import train

OVERHEAD = 25.0  # seconds to read the clips, to calibrate, and to measure
MIN_TRAINING = 10.0  # seconds; in less, a world learns nothing visible


def dataset_names(folder: Path) -> list[str]:
    """Return the names of the dataset folders in a folder."""
    return sorted(path.parent.parent.name for path in folder.glob(f"*/{INFO}"))


def train_on_clips(settings: GpuSettings, seconds: float, name: str) -> PartResult:
    """Train and measure a world.

    Args:
        settings: Preset, minutes, device and the folder of the datasets.
        seconds: Time limit; the training is shortened if its minutes do not fit.
        name: The dataset's name.

    Raises:
        NotRunError: `seconds` is too short.
    """
    limits: dict[str, Any] = {"max_steps": settings.train_steps, "batch_size": 4}  # a rehearsal
    if settings.train_steps is None:
        left = min(60 * settings.train_minutes, seconds - OVERHEAD)
        if left < MIN_TRAINING:
            needed = OVERHEAD + MIN_TRAINING
            raise NotRunError(f"Training needs at least {needed:.0f} seconds, and {max(seconds, 0):.0f} were left.")
        limits = {"max_minutes": left / 60}
    dataset = load_dataset(settings.clips / name)
    world = train(dataset, preset=settings.train_preset, device=settings.device, seed=settings.seed, **limits)
    held_out = dataset.split("test")
    prediction = predict(world, held_out, num_clips=settings.num_clips, seed=settings.seed, progress=False)
    table, info = prediction_table(prediction), world.training_info
    seconds_trained = 60 * limits.get("max_minutes", max(info["minutes"], 0.01))
    note = (
        f"`{settings.train_preset}`, trained for {info['minutes']:g} minutes: {info['steps']:,} steps of "
        f"{info['settings']['batch_size']} clips, {info['steps'] / seconds_trained:.1f} steps/s. {table.note}"
    )
    first, last = prediction.steps[0], prediction.steps[-1]
    moving = {step: prediction.interval("moving_psnr", step).mean for step in (first, last)}
    return PartResult(
        tables=(Table(f"Prediction: {name}", table.columns, table.rows, note),),
        figures={"training": info, "prediction": _figures(prediction), "dataset": _describe(dataset)},
        pictures={
            f"{name}_{example.label.replace(' ', '_')}.png": clip_plot(example, prediction.steps)
            for example in prediction.examples
        },
        headline=(f"{moving[last]:.1f} dB", f"moving pixels of {name}, {last} steps ahead"),
    )


def _figures(prediction: Prediction) -> dict[str, Any]:
    """Return the scores at the reported steps as plain JSON values."""
    scores = {
        name: {str(step): prediction.interval(name, step).to_json() for step in prediction.steps}
        for name in prediction.scores
    }
    return {"num_clips": prediction.num_clips, "frames_per_second": prediction.frames_per_second, "scores": scores}


def _describe(dataset: Dataset) -> dict[str, Any]:
    return {"episodes": len(dataset), "steps": dataset.num_steps, "image_size": list(dataset.image_size)}
