"""Datasets: recorded episodes in a folder, read one by one."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import SupportsIndex

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from vdworld.data.episode import DEFAULT_TEST_FRACTION, Episode, choose_split
from vdworld.data.frame_decoding import decode_episodes
from vdworld.data.layout import EpisodeEntry, Layout, read_layout
from vdworld.data.layout_checks import test_range
from vdworld.data.lossless_video import check_video
from vdworld.data.parquet_tables import read_columns
from vdworld.data.table_checks import check_rows
from vdworld.space_json import space_from_json
from vdworld.spec import EnvironmentSpec


def load_dataset(source: str | Path) -> Dataset:
    """Open a dataset folder in the LeRobot v3 layout, written by vdworld or by other software.

    Every file and every number is checked, but no frame is decoded. In folders by other software each row's action
    leads to the next row, so that n rows make n - 1 transitions, and a fifth of the episodes is held out unless the
    folder has a split ``test``.

    Args:
        source: The folder.

    Raises:
        FileNotFoundError: The folder or a part of it is missing.
        ValueError: The folder has another layout, a file is damaged or incomplete, or an action, a reward or a reading
            is not finite.
    """
    layout = read_layout(Path(source))
    if "action" not in layout.features or not layout.cameras:
        features = sorted(layout.features)
        raise ValueError(f"{source} must have an `action` and frames among its features, got {features}.")
    tables: dict[Path, list[EpisodeEntry]] = {}
    videos: dict[tuple[Path, str], list[EpisodeEntry]] = {}
    for entry in layout.entries:
        tables.setdefault(layout.data_path(entry), []).append(entry)
        for key in entry.videos:
            videos.setdefault((layout.video_path(entry, key), key), []).append(entry)
    for path, entries in tables.items():
        check_rows(layout, path, entries)
    for (path, key), entries in videos.items():
        stop = max(round(entry.videos[key][2] * layout.info["fps"]) + entry.length for entry in entries)
        check_video(path, layout.features[key]["shape"], num_frames=stop, fps=layout.info["fps"])
    return Dataset(layout, layout.entries)


class Dataset:
    """The episodes of a folder, or of one split of it. ``load_dataset`` returns it; an index returns an ``Episode``.

    Attributes:
        path: The folder.
        fps: Frames per second.
        cameras: Names of the cameras, in the order in which their frames are stacked.
        image_size: Height and width of the first camera's frames in pixels.
        action_space: The environment's action space; for data by other software the smallest Box around all actions.
        spec: How to rebuild the environment, or None if that is unknown.
        has_rewards: Whether the episodes have rewards.
    """

    def __init__(self, layout: Layout, entries: Sequence[EpisodeEntry]) -> None:
        self.layout = layout
        self.entries = tuple(entries)
        self.path = layout.root
        self.fps: float = layout.info["fps"]
        self.cameras: tuple[str, ...] = tuple(layout.cameras)
        self.image_size = self.camera_sizes[self.cameras[0]]
        self.has_rewards = "next.reward" in layout.features
        spec = layout.own.get("spec")
        self.spec = None if spec is None else EnvironmentSpec.from_json(spec)
        self._table: tuple[Path, dict[str, np.ndarray]] | None = None  # the last file that was read

    def __repr__(self) -> str:
        size = f"{self.image_size[0]}x{self.image_size[1]}"
        return f"Dataset({self.path}, {len(self)} episodes, {self.num_steps} steps, {', '.join(self.cameras)} {size})"

    @property
    def num_episodes(self) -> int:
        """Number of episodes."""
        return len(self.entries)

    @property
    def num_steps(self) -> int:
        """Number of transitions."""
        return sum(entry.length - 1 for entry in self.entries)

    @property
    def camera_sizes(self) -> dict[str, tuple[int, int]]:
        """Height and width of each camera's frames in pixels."""
        shapes = {camera: self.layout.features[key]["shape"] for camera, key in self.layout.cameras.items()}
        return {camera: (height, width) for camera, (height, width, *_) in shapes.items()}

    @property
    def readings(self) -> dict[str, int]:
        """Names of the readings, recorded beside the frames, and how many numbers each holds."""
        names = [name for name in self.layout.numeric_features if name.startswith(("observation.", "info."))]
        return {name: int(np.prod(self.layout.features[name]["shape"])) for name in names}

    @functools.cached_property
    def action_space(self) -> gym.Space:
        """The action space, in the environment's units."""
        stored = self.layout.own.get("action_space")
        if stored is not None:
            return space_from_json(stored)
        return _box_around(Dataset(self.layout, self.layout.entries).actions())

    def split(self, name: str) -> Dataset:
        """Return the episodes for training (``"train"``) or those held out (``"test"``).

        An episode stays in its split when others are appended.

        Raises:
            ValueError: `name` is neither.
        """
        if name not in ("train", "test"):
            raise ValueError(f"`name` must be 'train' or 'test', got {name!r}.")
        return Dataset(self.layout, [entry for entry in self.entries if self._split_of(entry) == name])

    def actions(self) -> np.ndarray:
        """Return the flat actions of all transitions ``[num_steps, n]``, float32, without decoding a frame."""
        parts = [self._columns(entry)["action"][:-1] for entry in self.entries]
        size = int(np.prod(self.layout.features["action"]["shape"]))
        return np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, size), np.float32)

    def transitions(self, position: SupportsIndex) -> Episode:
        """Return an episode without its frames; ``position`` is its index in this split.

        Raises:
            IndexError: There is no such episode.
        """
        entry = self._entry(position)
        columns = self._columns(entry)
        ends = np.zeros((2, entry.length - 1), dtype=bool)
        for row, name in zip(ends, ("next.terminated", "next.truncated"), strict=True):
            if name in columns:
                row[:] = columns[name][:-1, 0]
        if "next.truncated" not in columns:  # by other software, which does not say what follows the last row
            ends[1, -1:] = ~ends[0, -1:]
        return Episode(
            frames={},
            actions=columns["action"][:-1].astype(np.float32),
            rewards=columns["next.reward"][:-1, 0].astype(np.float32) if self.has_rewards else None,
            terminated=ends[0],
            truncated=ends[1],
            state={k: v for k, v in columns.items() if k.startswith(("observation.", "info."))},
            seed=entry.seed,
            split=self._split_of(entry),
            index=entry.index,
        )

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, position: SupportsIndex) -> Episode:
        episode = self.transitions(position)
        for camera, key in self.layout.cameras.items():
            planes = np.stack(list(decode_episodes(self.layout, [self._entry(position)], key)))
            episode.frames[camera] = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
        return episode

    def __iter__(self) -> Iterator[Episode]:
        return (self[position] for position in range(len(self)))

    def _entry(self, position: SupportsIndex) -> EpisodeEntry:
        index = operator.index(position)
        if not -len(self) <= index < len(self):
            raise IndexError(f"`position` must be that of one of {len(self)} episodes, got {index}.")
        return self.entries[index]

    def _split_of(self, entry: EpisodeEntry) -> str:
        if entry.split is not None:
            return entry.split
        ranges = self.layout.info["splits"]
        if "test" not in ranges:
            return choose_split(entry.index, test_fraction=DEFAULT_TEST_FRACTION)
        start, stop = test_range(ranges)
        return "test" if start <= entry.index < stop else "train"

    def _columns(self, entry: EpisodeEntry) -> dict[str, np.ndarray]:
        """Return the numeric rows of one episode."""
        path = self.layout.data_path(entry)
        if self._table is None or self._table[0] != path:
            self._table = (path, read_columns(path, self.layout.numeric_features))
        columns = self._table[1]
        rows = np.flatnonzero(columns["episode_index"][:, 0] == entry.index)
        if len(rows) != entry.length:
            raise ValueError(f"{path} must hold {entry.length} rows of episode {entry.index}, got {len(rows)}.")
        return {name: values[rows] for name, values in columns.items()}


def _box_around(actions: np.ndarray) -> spaces.Box:
    """Return the smallest Box that holds all actions, with a margin of 0.5 around numbers that never change."""
    low, high = (actions.min(axis=0), actions.max(axis=0)) if len(actions) else (np.zeros(actions.shape[1]),) * 2
    slack = np.where(low == high, 0.5, 0.0)
    return spaces.Box((low - slack).astype(np.float32), (high + slack).astype(np.float32), dtype=np.float32)
