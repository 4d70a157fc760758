"""What the parts of the GPU check are told, and what they give back."""

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
        """Whether the device is a GPU, where steps can be recorded as graphs."""
        return torch.device(self.device).type == "cuda"


@dataclass(frozen=True)
class PartResult:
    """What a part found.

    Args:
        tables: To show.
        figures: Plain JSON values.
        pictures: PNG files by name.
        headline: One figure and what it is, for the top of the page.
        problem: What went wrong without an error, such as failed tests; empty if nothing.
    """

    tables: tuple[Table, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    headline: tuple[str, str] | None = None
    problem: str = ""
