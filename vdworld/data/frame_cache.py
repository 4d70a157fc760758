"""Decode episodes into memory."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import numpy as np

from vdworld.data.frame_decoding import decode_episodes
from vdworld.data.layout import EpisodeEntry, Layout
from vdworld.data.resize import resize_area

_FRAMES_AT_ONCE = 64
_SHARE = 0.9  # of the free memory that frames may take


def decode_into(target: np.ndarray, layout: Layout, entries: Sequence[EpisodeEntry], key: str) -> None:
    """Fill ``target`` uint8 ``[N, 3, h, w]`` with the episodes' frames of one feature, resized by area to fit."""
    size = (target.shape[2], target.shape[3])
    position, waiting = 0, []
    for image in decode_episodes(layout, entries, key):
        if image.shape[1:] == size:
            target[position] = image
            position += 1
            continue
        waiting.append(image)
        if len(waiting) == _FRAMES_AT_ONCE:
            target[position : position + len(waiting)] = resize_area(np.stack(waiting), size)
            position, waiting = position + len(waiting), []
    if waiting:
        target[position:] = resize_area(np.stack(waiting), size)


def check_memory(shape: tuple[int, int, int, int], available: int | None = None) -> None:
    """Refuse to hold frames for which there is no room.

    Args:
        shape: Of the uint8 frames ``[N, c, h, w]``.
        available: Free memory in bytes; by default what the system reports, if it does.

    Raises:
        MemoryError: They don't fit; the message says which size would.
    """
    available = _free_memory() if available is None else available
    needed = math.prod(shape)
    if available is None or needed <= _SHARE * available:
        return
    scale = math.sqrt(_SHARE * available / needed)
    fitting = tuple(max(int(side * scale), 1) for side in shape[2:])
    raise MemoryError(
        f"`image_size` must be at most about {fitting} for {shape[0]} frames to fit into the free memory "
        f"({available / 2**30:.1f} GiB), got {shape[2:]}, which needs {needed / 2**30:.1f} GiB. "
        "Pass a smaller image_size, fewer cameras or fewer episodes."
    )


def _free_memory() -> int | None:
    """Return the memory in bytes that is free or can be freed, or None where the system does not say."""
    try:
        with open("/proc/meminfo") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        pass  # not Linux
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" in names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
