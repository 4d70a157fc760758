"""Decode the frames of episodes, from video files or from pictures stored in tables."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vdworld.data.layout import EpisodeEntry, Layout
from vdworld.data.lossless_video import read_frames
from vdworld.data.parquet_tables import read_table, to_numpy
from vdworld.extras import require
from vdworld.json_values import reading


def decode_episodes(layout: Layout, entries: Sequence[EpisodeEntry], key: str) -> Iterator[np.ndarray]:
    """Decode the frames of episodes, one episode after the other.

    Episodes that follow one another in a video file are decoded in one pass.

    Args:
        layout: The layout of the folder.
        entries: The episodes, in the order of the result.
        key: The feature that holds the frames.

    Yields:
        Planar uint8 RGB ``[3, h, w]``.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or incomplete.
    """
    if layout.features[key]["dtype"] == "image":
        for entry in entries:
            yield from _pictures(layout, entry, key)
        return
    fps = layout.info["fps"]
    position = 0
    while position < len(entries):
        first = entries[position]
        start = stop = round(first.videos[key][2] * fps)
        while position < len(entries) and _continues(first, entries[position], key, stop / fps, fps):
            stop += entries[position].length
            position += 1
        path = layout.verify(layout.video_path(first, key))
        yield from read_frames(path, fps=fps, start=start, stop=stop)


def _continues(first: EpisodeEntry, entry: EpisodeEntry, key: str, end: float, fps: float) -> bool:
    """Return whether an episode is in the same file as ``first`` and begins there at second ``end``."""
    return entry.videos[key][:2] == first.videos[key][:2] and abs(entry.videos[key][2] - end) < 0.5 / fps


def _pictures(layout: Layout, entry: EpisodeEntry, key: str) -> Iterator[np.ndarray]:
    """Decode the pictures stored in a table, each an encoded image file."""
    image: Any = require("PIL.Image", extra="data")
    table = read_table(layout.data_path(entry), [key, "episode_index"])
    rows = np.flatnonzero(to_numpy(table.column("episode_index")) == entry.index)
    shape = tuple(layout.features[key]["shape"])
    for row in rows:
        with reading(layout.data_path(entry)):
            picture = image.open(io.BytesIO(table.column(key)[int(row)].as_py()["bytes"]))
            if (picture.height, picture.width) not in (shape[:2], shape[1:3]):  # before it is decoded
                raise ValueError(
                    f"pictures of {key} must have shape {list(shape)}, got {picture.height, picture.width}."
                )
            pixels = np.asarray(picture.convert("RGB"))
        yield np.ascontiguousarray(pixels.transpose(2, 0, 1))
