"""Decode the frames of whole episodes into memory, and check first that they fit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from vdworld.data.frame_decoding import decode_episodes
from vdworld.data.layout import EpisodeEntry, Layout
from vdworld.data.resize import resize_area
from vdworld.free_memory import SHARE, free_memory

_FRAMES_AT_ONCE = 64


def decode_into(target: np.ndarray, layout: Layout, entries: Sequence[EpisodeEntry], key: str) -> None:
    """Decode the episodes' frames of one feature into ``target``, uint8 ``[N, 3, h, w]``, in its size."""
    size = (target.shape[2], target.shape[3])
    position, batch = 0, []
    for image in decode_episodes(layout, entries, key):
        if image.shape[1:] == size:
            target[position] = image
            position += 1
            continue
        batch.append(image)
        if len(batch) == _FRAMES_AT_ONCE:
            target[position : position + len(batch)] = resize_area(np.stack(batch), size)
            position, batch = position + len(batch), []
    if batch:
        target[position:] = resize_area(np.stack(batch), size)


def check_memory(shape: tuple[int, int, int, int], available: int | None = None) -> None:
    """Raise a MemoryError if frames do not fit into the free memory.

    Args:
        shape: Shape of the uint8 frames ``[N, c, h, w]``.
        available: Free memory in bytes; by default what the system reports. Without a report nothing is checked.

    Raises:
        MemoryError: The frames do not fit; the message gives a size that does.
    """
    available = free_memory() if available is None else available
    needed = math.prod(shape)
    if available is None or needed <= SHARE * available:
        return
    scale = math.sqrt(SHARE * available / needed)
    fitting = tuple(max(int(side * scale), 1) for side in shape[2:])
    raise MemoryError(
        f"`image_size` must be at most about {fitting} for {shape[0]} frames to fit into the free memory "
        f"({available / 2**30:.1f} GiB), got {shape[2:]}, which needs {needed / 2**30:.1f} GiB. "
        "Pass a smaller image_size, fewer cameras or fewer episodes."
    )
