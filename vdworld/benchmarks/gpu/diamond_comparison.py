"""Imagine and train in turns with DIAMOND's own code, if there is a checkout of it."""

from __future__ import annotations

import time
import traceback
from typing import Any

import torch

from vdworld.benchmarks.gpu.isolation import NotRunError
from vdworld.benchmarks.gpu.settings import GpuSettings, PartResult
from vdworld.benchmarks.gpu.training import dataset_names
from vdworld.benchmarks.measured_world import fresh_world
from vdworld.benchmarks.peers import DiamondCode, DiamondWorld, train_diamond
from vdworld.benchmarks.speed_comparison import SpeedComparison, compare_with_diamond
from vdworld.data import load_dataset
from vdworld.evaluation.report.table import Table
from vdworld.training import train

_MAX_TRAINING = 20.0  # seconds per model
_PRESETS_SHARE = 0.5  # of the time limit, after which no further preset is measured
_TRAINING_SHARE = 0.2  # of the time limit, per model
_MAX_BATCH_SIZE = 256  # DIAMOND is about twenty times as slow


def measure_against_diamond(settings: GpuSettings, seconds: float) -> PartResult:
    """Imagine and train in turns with DIAMOND's own code, and return the ratios of the speeds.

    Args:
        settings: The checkout, our presets and the clips to train on; without clips there is no training.
        seconds: Approximate time limit; presets that do not fit are left out, and the training is shortened.

    Raises:
        NotRunError: There is no checkout in the settings.
        ValueError: The folder is not a checkout of DIAMOND.
    """
    if settings.peer is None:
        raise NotRunError("This part needs a checkout of DIAMOND, as in peer=FOLDER.")
    code, began = DiamondCode.load(settings.peer), time.monotonic()
    torch.backends.cuda.matmul.allow_tf32 = True  # as DIAMOND's trainer does; this process ends with the part
    tables: list[Table] = []
    figures: dict[str, Any] = {"commit": code.commit}
    for name in settings.presets:
        title = f"Imagining compared with DIAMOND: {name}"
        if tables and time.monotonic() - began > _PRESETS_SHARE * seconds:
            tables.append(Table(title, ("",), (("not run: no time left",),)))
            continue
        result = _imagine(name, settings)
        print(result, flush=True)
        table = result.table()
        note = f"{table.note} Its matrix products are in TF32, as in its trainer." if settings.on_cuda else table.note
        tables.append(Table(title, table.columns, table.rows, note))
        figures[name] = result.to_json()
    problem, names = "", dataset_names(settings.clips)
    if names:
        try:
            table, figures["training"] = _train(code, names[0], settings, _TRAINING_SHARE * seconds)
            tables.append(table)
        except Exception:  # the figures of imagining remain valid
            problem = traceback.format_exc()
    return PartResult(tuple(tables), figures, headline=_headline(figures, settings), problem=problem)


def _imagine(preset: str, settings: GpuSettings) -> SpeedComparison:
    return compare_with_diamond(
        fresh_world(preset).to(settings.device),
        str(settings.peer),
        batch_sizes=[batch for batch in settings.batch_sizes if batch <= _MAX_BATCH_SIZE],
        num_sampling_steps=settings.num_sampling_steps,
        repeats=settings.repeats,
        seconds=settings.seconds,
        seed=settings.seed,
    )


def _train(code: DiamondCode, name: str, settings: GpuSettings, seconds: float) -> tuple[Table, dict[str, Any]]:
    """Train both on the same clips for the same time, and compare the target frames that each processed."""
    dataset = load_dataset(settings.clips / name)
    minutes = min(_MAX_TRAINING, max(seconds, 1.0)) / 60
    peer = DiamondWorld.for_dataset(code, dataset, device=settings.device, seed=settings.seed)
    train_diamond(peer, dataset, minutes=minutes, seed=settings.seed, progress=False)
    limits: dict[str, Any] = {"max_minutes": minutes, "seed": settings.seed, "device": settings.device}
    ours = train(dataset, preset=settings.train_preset, horizon=1, **limits).training_info
    theirs = peer.training_info["frames_per_second"]
    ours_per_second = ours["steps"] * ours["settings"]["batch_size"] / (60 * minutes)
    figures = {"vdworld": ours_per_second, "diamond": theirs, "ratio": ours_per_second / theirs}
    row = (f"{name}, {settings.train_preset}", f"{ours_per_second:,.0f}", f"{theirs:,.0f}", f"{figures['ratio']:.2f}")
    note = f"Target frames that each model processed per second, in {60 * minutes:.0f} seconds of training."
    return Table("Training compared with DIAMOND", ("", "vdworld", "DIAMOND", "ratio"), (row,), note), figures


def _headline(figures: dict[str, Any], settings: GpuSettings) -> tuple[str, str]:
    preset = settings.presets[0]
    best = max(figures[preset]["rows"], key=lambda row: row["ratio"]["median"])
    return f"{best['ratio']['median']:.0f}x", f"DIAMOND's frames/s: {preset}, batch {best['batch_size']}"
