"""Every diffusion process with every network, on the same data and for the same training time."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from vdworld.benchmarks.results import to_text
from vdworld.benchmarks.speed import measure_speed
from vdworld.benchmarks.timing import check_repeats
from vdworld.data import load_dataset
from vdworld.evaluation.evaluate import held_out_episodes
from vdworld.evaluation.prediction import Prediction, predict
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table, cell
from vdworld.training import train
from vdworld.world import WorldModel
from vdworld.world.device import pick_device

PROCESSES = {
    "flow": {"_target_": "vdworld.diffusion.RectifiedFlow", "prediction": "x"},
    "edm": {"_target_": "vdworld.diffusion.EDM", "prediction": "x"},
    "vp": {"_target_": "vdworld.diffusion.VariancePreserving", "schedule": "cosine", "prediction": "x"},
}
NETWORKS = {"unet": "StackedUNet", "video_unet": "VideoUNet", "transformer": "Transformer"}
BATCH = 32  # dreams at a time whose speed is measured


@dataclass(frozen=True)
class GridEntry:
    """One combination.

    Args:
        process: Name of the process.
        network: Name of the network.
        parameters: Size of the network, in millions.
        minutes: Training time.
        training_steps: Optimiser steps in that time.
        rates: Imagined frames per second, one per repeat.
        prediction: Scores on held-out clips.
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
        """Moving-pixel PSNR in dB, averaged over the reported steps; ranks the entries."""
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


@dataclass(frozen=True)
class Grid:
    """All combinations.

    Args:
        entries: One per process and network.
        title: Data, training time and preset in words.
        about: Seed, command, machine, versions and date; one line of text each.
    """

    entries: tuple[GridEntry, ...]
    title: str
    about: dict[str, str]

    def __str__(self) -> str:
        return to_text([self.table()], self.about)

    def table(self) -> Table:
        """Return the combinations, best first."""
        ordered = sorted(self.entries, key=lambda entry: -entry.quality)
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
        copies = (cell(first.interval("copy_moving_psnr", step)) for step in first.steps)
        rows.append(("copy the last frame", *copies, *[""] * 5))
        note = (
            f"Moving-pixel PSNR in dB on {first.num_clips} clips from {first.num_episodes} held-out episodes, in "
            "brackets 95% bootstrap intervals over episodes; one seed each. Sharpness is one step ahead, 1 is as sharp "
            f"as reality. Frames/s: imagined at batch {BATCH}, median of the repeats, reward and continuation included."
        )
        steps = tuple(f"{step} steps" if step > 1 else "1 step" for step in first.steps)
        columns = ("", *steps, "mean", "sharpness", "frames/s", "training steps", "minutes")
        return Table(self.title, columns, tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        return {"benchmark": "grid", "about": self.about, "entries": [entry.to_json() for entry in self.entries]}


def run(
    *,
    data: str,
    output: str,
    minutes: float = 15.0,
    preset: str = "tiny",
    num_clips: int = 128,
    repeats: int = 5,
    seconds: float = 1.0,
    seed: int = 0,
    device: str = "auto",
) -> Grid:
    """Train each combination, unless an earlier run did, and measure it.

    Args:
        data: A dataset folder.
        output: A folder for the worlds.
        minutes: Training time of each.
        preset: Preset of the worlds.
        num_clips: Clips to predict.
        repeats: Measurements of the speed of each.
        seconds: Minimum duration of a measurement.
        seed: Decides weights, training, clips and dreams.
        device: A device's name; ``"auto"`` is the GPU if there is one, else the CPU.

    Raises:
        ValueError: An argument is out of range.
    """
    check_repeats(repeats, seconds)
    dataset, where = load_dataset(data), pick_device(device)
    held_out, _ = held_out_episodes(dataset)
    entries = []
    for process, network in product(PROCESSES, NETWORKS):
        folder = Path(output) / f"{process}-{network}"
        if not (folder / "config.json").exists():
            print(f"{process}, {network}:")
            target = {"_target_": f"vdworld.networks.{NETWORKS[network]}"}
            parts = {"preset": preset, "network": target, "process": PROCESSES[process]}
            settings = {"resume": True, "seed": seed, "device": where, "num_rollout_gifs": 0}
            train(dataset, max_minutes=minutes, output=folder, **parts, **settings)
        world = WorldModel.from_pretrained(folder, device=where)
        prediction = predict(world, held_out, seed=seed, num_clips=num_clips)
        entries.append(_entry(process, network, world, prediction, repeats=repeats, seconds=seconds))
    name = dataset.spec.id if dataset.spec else dataset.path.name
    title = f"{name}, {minutes:g} minutes of training each, preset {preset}"
    return Grid(tuple(entries), title, provenance(where) | {"seed": str(seed)})


def _entry(
    process: str, network: str, world: WorldModel, prediction: Prediction, *, repeats: int, seconds: float
) -> GridEntry:
    steps = world.num_sampling_steps
    speed = measure_speed(world, batch_sizes=[BATCH], num_sampling_steps=[steps], repeats=repeats, seconds=seconds)
    return GridEntry(
        process=process,
        network=network,
        parameters=sum(parameter.numel() for parameter in world.network.parameters()) / 1e6,
        minutes=world.training_info["minutes"],
        training_steps=world.training_info["steps"],
        rates=tuple(speed.rates[BATCH, steps]),
        prediction=prediction,
    )
