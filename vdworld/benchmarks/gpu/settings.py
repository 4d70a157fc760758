"""The settings and the results of the parts of the GPU check."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from vdworld.evaluation.report.table import Table


@dataclass(frozen=True)
class GpuSettings:
    """The settings that the parts share; ``vdworld.benchmarks.gpu.run`` describes them."""

    device: str
    presets: tuple[str, ...]
    batch_sizes: tuple[int, ...]
    num_sampling_steps: tuple[int, ...]
    repeats: int
    seconds: float
    peer: Path | None
    clips: Path
    train_preset: str
    train_minutes: float
    train_steps: int | None
    num_clips: int
    seed: int

    @property
    def on_cuda(self) -> bool:
        """Whether the device is a GPU."""
        return torch.device(self.device).type == "cuda"


@dataclass(frozen=True)
class PartResult:
    """The results of a part that finished.

    Args:
        tables: The tables for the terminal and the page.
        figures: All figures as plain JSON values.
        pictures: PNG files by name.
        headline: One figure and its label, for the top of the page; None shows none.
        problem: What went wrong although the part finished, such as failed tests; empty if nothing did.
    """

    tables: tuple[Table, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    headline: tuple[str, str] | None = None
    problem: str = ""
