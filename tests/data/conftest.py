"""Episodes that are quick to make and easy to tell apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vdworld.data import Dataset, EpisodeWriter, load_dataset

Arrays = dict[str, Any]


def arrays(seed: int, num_steps: int = 6, size: tuple[int, int] = (9, 12)) -> Arrays:
    """What ``EpisodeWriter.add`` takes: noise, the hardest case for a video."""
    rng = np.random.default_rng(seed)
    return {
        "frames": {"top": rng.integers(0, 256, (num_steps + 1, *size, 3), dtype=np.uint8)},
        "actions": rng.uniform(-1, 1, (num_steps, 2)).astype(np.float32),
        "rewards": rng.normal(size=num_steps).astype(np.float32),
        "terminated": seed % 2 == 0,
        "truncated": seed % 2 == 1,
        "state": {"state": rng.normal(size=(num_steps + 1, 3)), "info.count": np.arange(num_steps + 1)},
        "seed": 100 + seed,
    }


@pytest.fixture
def make_arrays() -> Callable[..., Arrays]:
    return arrays


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Dataset]:
    """Write episodes of the given lengths and load them."""

    def make(lengths: tuple[int, ...] = (6, 4, 9), folder: str = "dataset", **settings: Any) -> Dataset:
        with EpisodeWriter(tmp_path / folder, fps=10, **settings) as writer:
            for seed, length in enumerate(lengths):
                writer.add(**arrays(seed, length))
        return load_dataset(tmp_path / folder)

    return make
