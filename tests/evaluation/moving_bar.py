"""Recordings of a bar that moves as the actions say, and the measurement of long dreams of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from vdworld.data import Dataset, EpisodeWriter, load_dataset
from vdworld.evaluation.drift import Drift, measure_drift

STEPS = (16, 64, 120)
Imagine = Callable[[torch.Tensor, np.ndarray], torch.Tensor]


def rolled(frame: torch.Tensor, action: np.ndarray) -> torch.Tensor:
    """The physics: actions 0, 1, 2 move every picture by -1, 0, +1 columns."""
    return torch.stack([picture.roll(int(a) - 1, dims=-1) for picture, a in zip(frame, action, strict=True)])


class After:
    """Follows the physics for `num_steps` steps, then does something else."""

    def __init__(self, num_steps: int, otherwise: Imagine) -> None:
        self.left, self.otherwise = num_steps, otherwise

    def __call__(self, frame: torch.Tensor, action: np.ndarray) -> torch.Tensor:
        self.left -= 1
        return rolled(frame, action) if self.left >= 0 else self.otherwise(frame, action)


def record_bar(
    path: Path, num_episodes: int = 8, length: int = 70, choices: Callable[[int], list[int]] = lambda i: [0, 1, 2]
):
    """Write episodes of a bar that moves as the actions say, drawn from ``choices(episode)``."""
    rng, episodes = np.random.default_rng(0), []
    with EpisodeWriter(path, fps=5, action_space=gym.spaces.Discrete(3), test_fraction=0.5) as writer:
        for number in range(num_episodes):
            actions = rng.choice(choices(number), length)
            columns = (rng.integers(16) + np.concatenate([[0], np.cumsum(actions - 1)])) % 16
            frames = np.full((length + 1, 16, 16, 3), 30, np.uint8)
            frames[np.arange(length + 1), :, columns] = (250, 200, 50)
            writer.add({"pixels": frames}, actions, np.zeros(length, np.float32))
            episodes.append(columns)
    return load_dataset(path)


def measure(world: Any, dataset: Dataset, **settings: Any) -> Drift:
    return measure_drift(world, dataset, **{"steps": STEPS, "num_lanes": 12, "progress": False, **settings})
