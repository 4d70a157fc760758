"""A shard of a dataset: the files that are written together, with the rows and videos of some episodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vdworld.data.episode import Episode
from vdworld.data.episode_rows import rows_of
from vdworld.data.layout import DATA_PATH, EPISODES_PATH, FILES_PER_CHUNK, IMAGES, VIDEO_PATH
from vdworld.data.lossless_video import VideoWriter
from vdworld.data.parquet_tables import make_table, write_table
from vdworld.extras import require
from vdworld.storage.atomic_files import PendingFile
from vdworld.storage.checksums import file_checksum


class Shard:
    """The files of one shard, under temporary names until ``commit``.

    Frames are written at once; the rows, which are small, stay in memory until then.

    Args:
        root: The dataset folder.
        number: The number of the files, counted over all chunks.
        first_row: The number of rows in the folder before this shard.
        fps: Frames per second.

    Attributes:
        entries: Rows of the table of episodes.
        checksums: Checksums of the committed files, by their path in the folder.
        intact: False if an episode is only partly written; then only ``commit`` and ``discard`` are allowed.
    """

    def __init__(self, root: Path, *, number: int, first_row: int, fps: float) -> None:
        self.root = root
        self.fps = fps
        self.first_row = first_row
        self.num_rows = 0
        self.entries: list[dict[str, Any]] = []
        self.checksums: dict[str, str] = {}
        self.intact = True
        self._place = {"chunk_index": number // FILES_PER_CHUNK, "file_index": number % FILES_PER_CHUNK}
        self._columns: list[dict[str, np.ndarray]] = []
        self._videos: dict[str, tuple[PendingFile, VideoWriter]] = {}
        self._written: list[Path] = []

    def add(self, episode: Episode, task: str) -> None:
        """Add an episode whose ``index``, ``seed`` and ``split`` are set.

        Raises:
            OSError: The disk is full or failed; only ``discard`` is allowed afterwards.
        """
        self.intact = False
        for camera, frames in episode.frames.items():
            self._video(IMAGES + camera, frames).add(frames)
        start, length = self.first_row + self.num_rows, len(episode) + 1
        self._columns.append(rows_of(episode, first_row=start, fps=self.fps))
        entry = {"episode_index": episode.index, "tasks": [task], "length": length}
        entry |= {"dataset_from_index": start, "dataset_to_index": start + length}
        entry |= {f"data/{name}": value for name, value in self._place.items()}
        entry |= {f"meta/episodes/{name}": value for name, value in self._place.items()}
        for camera in episode.frames:
            video = f"videos/{IMAGES}{camera}/"
            entry |= {f"{video}{name}": value for name, value in self._place.items()}
            entry[f"{video}from_timestamp"] = self.num_rows / self.fps
            entry[f"{video}to_timestamp"] = (self.num_rows + length) / self.fps
        self.entries.append({**entry, "vdworld/split": episode.split, "vdworld/seed": episode.seed})
        self.num_rows += length
        self.intact = True

    def commit(self) -> None:
        """Complete and rename all files. Their episodes exist for readers once ``info.json`` counts them.

        Raises:
            OSError: The disk is full or failed; ``discard`` then removes the renamed files too.
        """
        pa = require("pyarrow", extra="data")
        for pending, video in self._videos.values():
            video.close()
            self._written.append(pending.path)
            pending.commit()
        columns = {name: np.concatenate([part[name] for part in self._columns]) for name in self._columns[0]}
        seeds = pa.schema([("vdworld/seed", pa.int64())])  # the type cannot be inferred if all are None
        entries = pa.Table.from_pylist(self.entries)
        place = entries.schema.get_field_index("vdworld/seed")
        entries = entries.set_column(place, seeds.field(0), entries.column(place).cast(pa.int64()))
        for template, table in ((DATA_PATH, make_table(columns)), (EPISODES_PATH, entries)):
            path = self.root / template.format(**self._place)
            self._written.append(path)
            write_table(path, table)
        self.checksums = {path.relative_to(self.root).as_posix(): file_checksum(path) for path in self._written}

    def discard(self) -> None:
        """Remove every file of this shard."""
        for pending, _ in self._videos.values():
            pending.discard()
        for path in self._written:
            path.unlink(missing_ok=True)

    def _video(self, key: str, frames: np.ndarray) -> VideoWriter:
        if key not in self._videos:
            pending = PendingFile(self.root / VIDEO_PATH.format(video_key=key, **self._place))
            height, width = frames.shape[1:3]
            self._videos[key] = (pending, VideoWriter(pending.file, fps=self.fps, height=height, width=width))
        return self._videos[key][1]
