"""Recordings that can be worked out by hand: pictures of one colour, and a square that moves along a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from gymnasium import spaces

from vdworld.data import Dataset, EpisodeWriter, load_dataset

HEIGHT, WIDTH, CELL = 8, 16, 2
NUM_CELLS = WIDTH // CELL
LEFT, RIGHT = 0, 1


def colours(folder: Path, space: spaces.Space, act, num_episodes: int = 12, length: int = 10) -> Dataset:
    """Write pictures that are black or white at random; `act(white, t)` says what is done in frame t."""
    rng = np.random.default_rng(0)
    with EpisodeWriter(folder, fps=5, action_space=space) as writer:
        for _ in range(num_episodes):
            white = rng.integers(0, 2, length + 1)
            frames = np.repeat(255 * white, 8 * 8 * 3).reshape(-1, 8, 8, 3).astype(np.uint8)
            writer.add(frames=frames, actions=np.array([act(white, t) for t in range(length)]), terminated=False)
    return load_dataset(folder)


def picture(cell: int) -> np.ndarray:
    """Return the square in a cell of the line, uint8 ``[h, w, 3]``."""
    frame = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    frame[2:6, CELL * cell : CELL * (cell + 1)] = (230, 200, 60)
    return frame


def frames_at(*cells: int) -> torch.Tensor:
    """Return frames ``[b, 3, h, w]`` in [-1, 1], one per cell."""
    pixels = torch.from_numpy(np.stack([picture(cell) for cell in cells]))
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


def cells_of(frames: torch.Tensor) -> torch.Tensor:
    """Return where the square is in frames ``[..., 3, h, w]`` in [-1, 1], ``[...]``."""
    gaps = frames[..., None, :, :, :] - frames_at(*range(NUM_CELLS))
    return gaps.square().mean(dim=(-3, -2, -1)).argmin(dim=-1)


def walks(folder: Path, num_episodes: int = 20) -> Dataset:
    """Write walks from one end of the line to the other, a random half of them to the left."""
    rng = np.random.default_rng(0)
    with EpisodeWriter(folder, fps=5, action_space=spaces.Discrete(2)) as writer:
        for episode in range(num_episodes):
            way = int(rng.integers(2)) if episode > 1 else RIGHT  # the second is held out
            cells = range(NUM_CELLS) if way == RIGHT else range(NUM_CELLS - 1, -1, -1)
            frames = np.stack([picture(cell) for cell in cells])
            writer.add(frames=frames, actions=np.full(NUM_CELLS - 1, way), terminated=False)
    return load_dataset(folder)
