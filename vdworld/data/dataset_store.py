"""The store that writes a dataset folder: shards that are completed one after the other and then counted."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from vdworld.data.dataset_info import make_info, make_task_table
from vdworld.data.episode import Episode
from vdworld.data.episode_rows import features_of, rows_of
from vdworld.data.feature_statistics import FeatureStatistics, read_statistics
from vdworld.data.layout import IMAGES, INFO, STATS, TASKS, Layout
from vdworld.data.parquet_tables import write_table
from vdworld.data.shard import Shard
from vdworld.data.writable_folder import next_file_number
from vdworld.storage.atomic_files import PendingFile, write_json
from vdworld.storage.checksums import checksum
from vdworld.storage.interrupts import uninterrupted

_FRAMES_DESCRIBED = 4  # per episode, for the colour statistics


class DatasetStore:
    """Write episodes to a dataset folder, shard by shard.

    ``info.json`` is written last, after videos, rows, episode entries and statistics. Episodes that it does not count
    do not exist for readers, so that a crash never leaves a damaged dataset.

    Args:
        root: The dataset folder.
        layout: The layout of the dataset in it; None if there is none yet.
        fps: Frames per second.
        notes: Entries for vdworld alone; see ``EpisodeWriter``.

    Attributes:
        features: The description of columns and videos; empty before the first episode.
        num_safe_episodes: The number of episodes that a crash cannot lose.
        num_safe_rows: The number of their rows.
    """

    def __init__(self, root: Path, layout: Layout | None, *, fps: float, notes: dict[str, Any]) -> None:
        self.root = root
        self.fps = fps
        self.notes = notes
        self.features: dict[str, Any] = {} if layout is None else layout.features
        entries = () if layout is None else layout.entries
        self.num_safe_episodes = len(entries)
        self.num_safe_rows = sum(entry.length for entry in entries)
        self._next_file = next_file_number(layout)
        self._checksums = {} if layout is None else dict(layout.checksums)
        self._stats = read_statistics(root / STATS, self.features) if entries and (root / STATS).is_file() else {}
        self._shard: Shard | None = None
        self._statistics = FeatureStatistics()
        self._opened = 0.0

    @property
    def num_episodes(self) -> int:
        """The number of episodes, those that are not safe yet included."""
        return self.num_safe_episodes + (0 if self._shard is None else len(self._shard.entries))

    @property
    def num_rows(self) -> int:
        """The number of their rows; an episode has one more row than transitions."""
        return self.num_safe_rows + (0 if self._shard is None else self._shard.num_rows)

    @property
    def num_unsafe_rows(self) -> int:
        """The number of rows that a crash would lose."""
        return self.num_rows - self.num_safe_rows

    @property
    def seconds_open(self) -> float:
        """The age in seconds of the shard under construction."""
        return 0.0 if self._shard is None else time.monotonic() - self._opened

    def add(self, episode: Episode) -> None:
        """Add an episode whose ``index``, ``seed`` and ``split`` are set.

        Raises:
            OSError: The disk is full or failed.
        """
        if self._shard is not None and not self._shard.intact:  # drop the frames of an interrupted episode
            self.flush()
            self.discard()
        try:
            self._open_shard().add(episode, self.notes["task"])
        except OSError as error:
            raise self._give_up(error) from error
        self.features = self.features or features_of(episode, self.fps)
        for name, values in rows_of(episode, first_row=0, fps=self.fps).items():
            self._statistics.add(name, values)
        for camera, frames in episode.frames.items():
            self._statistics.add_frames(IMAGES + camera, frames[:: max(len(frames) // _FRAMES_DESCRIBED, 1)])

    def flush(self) -> None:
        """Complete the shard under construction and count its episodes.

        Raises:
            OSError: The disk is full or failed.
        """
        if self._shard is None or not self._shard.entries:
            return
        with uninterrupted():
            try:
                self._shard.commit()
                self._count(self._shard, self.num_episodes, self.num_rows)
            except OSError as error:
                raise self._give_up(error) from error
            except BaseException:
                self.discard()
                raise

    def discard(self) -> None:
        """Remove the shard under construction. Safe episodes stay."""
        if self._shard is not None:
            self._shard.discard()
        self._shard = None

    def _open_shard(self) -> Shard:
        if self._shard is None:
            self._shard = Shard(self.root, number=self._next_file, first_row=self.num_safe_rows, fps=self.fps)
            self._statistics = FeatureStatistics(self._stats)
            self._opened = time.monotonic()
        return self._shard

    def _count(self, shard: Shard, num_episodes: int, num_rows: int) -> None:
        """Count the episodes of a committed shard: from the moment in which ``info.json`` is replaced they are safe."""
        if not (self.root / TASKS).is_file():
            write_table(self.root / TASKS, make_task_table(self.notes["task"]))
        statistics = self._statistics.to_json()
        content = json.dumps(statistics, indent=2).encode()
        checksums = self._checksums | shard.checksums | {STATS: checksum(content)}
        stats = PendingFile(self.root / STATS)
        try:
            stats.file.write(content)
            stats.complete()
            counts = {"num_episodes": num_episodes, "num_rows": num_rows, "checksums": checksums}
            write_json(self.root / INFO, make_info(features=self.features, fps=self.fps, own=self.notes, **counts))
        except BaseException:
            stats.discard()
            raise
        self.num_safe_episodes, self.num_safe_rows = num_episodes, num_rows
        self._stats, self._checksums, self._shard = statistics, checksums, None
        self._next_file += 1
        stats.commit()  # if this is not reached, the next writer does it

    def _give_up(self, error: OSError) -> OSError:
        """Remove the shard, and return an error that says how much is safe."""
        self.discard()
        failed = f"Writing to {self.root} failed ({error.strerror or error})."
        if isinstance(error, FileNotFoundError):
            return OSError(error.errno, f"{failed} The folder was removed or moved meanwhile. Record it again.")
        num_steps = self.num_safe_rows - self.num_safe_episodes
        return OSError(
            error.errno,
            f"{failed} {self.num_safe_episodes} episodes ({num_steps} steps) are safe and stay readable. "
            "Free some space, then append to the folder to continue.",
        )
