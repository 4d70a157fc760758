"""Settings of the GPU check for tests of its parts on the CPU."""

from __future__ import annotations

from pathlib import Path

from vdworld.benchmarks.gpu.settings import GpuSettings

SETTINGS = GpuSettings(
    device="cpu",
    presets=("tiny",),
    batch_sizes=(1,),
    num_sampling_steps=(1, 2),
    repeats=1,
    seconds=0.0,
    peer=None,
    clips=Path("none"),
    train_preset="tiny",
    train_minutes=3.0,
    train_steps=None,
    num_clips=4,
    seed=0,
)
