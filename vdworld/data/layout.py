"""The LeRobot v3 layout of a dataset folder: paths, metadata and one entry per episode.

``meta/info.json`` describes the columns (``features``) and counts the complete episodes and rows. Anything beyond its
totals was left by an interrupted recording and is ignored. Entries for vdworld alone are under the key ``vdworld`` and
in the episode columns ``vdworld/...``, which other readers ignore.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vdworld.data.layout_checks import check_entry, check_info
from vdworld.data.parquet_tables import read_table
from vdworld.data.path_templates import fill_template
from vdworld.json_values import read_json, reading
from vdworld.storage.checksums import CHECKSUMS, file_checksum, unseal

VERSION = "v3.0"
INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
FILES_PER_CHUNK = 1000
IMAGES = "observation.images."


@dataclass(frozen=True)
class EpisodeEntry:
    """The place of one episode in the folder.

    Args:
        index: The episode's number in the folder.
        length: The number of rows, one per frame.
        data_file: Chunk and file number of the rows.
        videos: By video feature: chunk, file number, and the second at which the episode begins in this file.
        split: ``"train"``, ``"test"``, or None if the folder does not say.
        seed: The seed that the environment was reset with, if known.
    """

    index: int
    length: int
    data_file: tuple[int, int]
    videos: dict[str, tuple[int, int, float]]
    split: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Layout:
    """The metadata of a folder: the content of ``info.json``, one entry per episode, and checksums of files by path."""

    root: Path
    info: dict[str, Any]
    entries: tuple[EpisodeEntry, ...]
    checksums: dict[str, str] = field(default_factory=dict)
    _verified: set[Path] = field(default_factory=set, repr=False, compare=False)

    @property
    def features(self) -> dict[str, dict[str, Any]]:
        """``dtype`` and ``shape`` by name of the column or video."""
        return self.info["features"]

    @property
    def numeric_features(self) -> list[str]:
        """Names of the columns that hold numbers."""
        return [name for name, f in self.features.items() if f["dtype"] not in ("video", "image", "string")]

    @property
    def own(self) -> dict[str, Any]:
        """The entries for vdworld alone; empty in folders by other software."""
        return self.info.get("vdworld", {})

    @property
    def cameras(self) -> dict[str, str]:
        """The feature that holds a camera's frames, by name of the camera."""
        keys = [key for key, feature in self.features.items() if feature["dtype"] in ("video", "image")]
        return {key.removeprefix(IMAGES).removeprefix("observation."): key for key in keys}

    def data_path(self, entry: EpisodeEntry) -> Path:
        """Return the parquet file with the episode's rows."""
        chunk, file = entry.data_file
        template = self.info.get("data_path") or DATA_PATH
        return fill_template(self.root, template, chunk_index=chunk, file_index=file)

    def video_path(self, entry: EpisodeEntry, key: str) -> Path:
        """Return the video file with the episode's frames of one feature."""
        chunk, file, _ = entry.videos[key]
        template = self.info.get("video_path") or VIDEO_PATH
        return fill_template(self.root, template, video_key=key, chunk_index=chunk, file_index=file)

    def verify(self, path: Path) -> Path:
        """Return the path of a file whose content is that which was written; it is read once for that.

        Files without a checksum, by other software or an earlier version, are not read.

        Raises:
            ValueError: The content is another one.
        """
        if path not in self._verified:
            verify(self.root, path, self.checksums)
            self._verified.add(path)
        return path


def read_layout(root: Path) -> Layout:
    """Read the metadata of a dataset folder.

    Raises:
        FileNotFoundError: The folder or a part of its metadata is missing.
        ValueError: The folder has another layout, or its metadata is damaged.
    """
    info, checksums = _read_info(root)
    videos = [key for key, feature in info["features"].items() if feature["dtype"] == "video"]
    paths = sorted((root / "meta" / "episodes").glob("*/*.parquet"))
    if not paths and info["total_episodes"] > 0:
        raise FileNotFoundError(f"{root / 'meta/episodes'} must hold parquet files, got none. Copy the dataset again.")
    for path in paths:
        verify(root, path, checksums)
    entries = [entry for path in paths for entry in _read_entries(path, videos)]
    entries = sorted((e for e in entries if e.index < info["total_episodes"]), key=lambda entry: entry.index)
    if len(entries) != info["total_episodes"] or any(entry.index != i for i, entry in enumerate(entries)):
        raise ValueError(
            f"{root / 'meta/episodes'} must list the {info['total_episodes']} episodes that {INFO} counts, "
            f"got {len(entries)}. Copy the dataset again."
        )
    return Layout(root=root, info=info, entries=tuple(entries), checksums=checksums)


def verify(root: Path, path: Path, checksums: Mapping[str, str]) -> None:
    """Check that the content of a file in a dataset folder is that which was written.

    Raises:
        ValueError: It is another one.
    """
    expected = checksums.get(os.path.relpath(path, root).replace(os.sep, "/"))
    if expected is not None and path.is_file() and file_checksum(path) != expected:
        raise ValueError(
            f"{path} is damaged: its content is not that which was recorded. Copy or record the dataset again. If you "
            f"changed it on purpose, remove the entry `vdworld.{CHECKSUMS}` of {root / INFO}."
        )


def _read_info(root: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the content of ``info.json`` without its checksums, and these."""
    if not root.is_dir():
        raise FileNotFoundError(f"`source` must be a dataset folder, got {root}, which does not exist.")
    path = root / INFO
    if not path.is_file():
        content = _list(sorted(p.name for p in root.iterdir()))
        raise FileNotFoundError(
            f"{root} must hold {INFO} (LeRobot layout, codebase_version {VERSION}), got {content}. "
            "A recording that was interrupted before its first flush has none: start it again. "
            "Convert other formats with `EpisodeWriter`."
        )
    info = read_json(path)
    version = info.get("codebase_version", "none")
    if str(version).split(".")[0] != VERSION.split(".")[0]:
        raise ValueError(
            f"{path} must have codebase_version {VERSION}, got {version!r}. Convert the dataset with LeRobot's own "
            "conversion script first."
        )
    own, checksums = info.get("vdworld"), {}
    if isinstance(own, dict) and CHECKSUMS in own:
        own = dict(own)
        info, checksums = unseal({**info, "vdworld": own, CHECKSUMS: own.pop(CHECKSUMS)}, path)
    with reading(path, "Copy the dataset again."):
        return check_info(info), checksums


def _read_entries(path: Path, videos: Sequence[str]) -> list[EpisodeEntry]:
    names = ["episode_index", "length", "data/chunk_index", "data/file_index"]
    names += [f"videos/{key}/{part}" for key in videos for part in ("chunk_index", "file_index", "from_timestamp")]
    table = read_table(path)
    missing = sorted(set(names) - set(table.column_names))
    if missing:
        raise ValueError(f"{path} must have the columns {names}, got none for {missing}. Write the dataset again.")
    own = [name for name in ("vdworld/split", "vdworld/seed") if name in table.column_names]
    rows = table.select(names + own).to_pylist()
    for row in rows:
        check_entry(path, row)
    return [
        EpisodeEntry(
            index=row["episode_index"],
            length=row["length"],
            data_file=(row["data/chunk_index"], row["data/file_index"]),
            videos={key: _place(row, f"videos/{key}/") for key in videos},
            split=row.get("vdworld/split"),
            seed=row.get("vdworld/seed"),
        )
        for row in rows
    ]


def _place(row: dict[str, Any], prefix: str) -> tuple[int, int, float]:
    return row[f"{prefix}chunk_index"], row[f"{prefix}file_index"], row[f"{prefix}from_timestamp"]


def _list(names: list[str], limit: int = 6) -> str:
    listed = ", ".join(names[:limit]) or "an empty folder"
    return f"{listed}, ... ({len(names)} entries)" if len(names) > limit else listed
