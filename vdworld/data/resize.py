"""Resize uint8 images by area: every new pixel is the mean of the area that it covers."""

from __future__ import annotations

import functools

import numpy as np


def resize_area(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize planar uint8 images ``[..., h, w]`` to ``[..., *size]``; the same size returns the input itself.

    Small objects fade rather than vanish, without aliasing. Enlarging repeats pixels, and blends them at their borders.
    """
    height, width = images.shape[-2:]
    if (height, width) == size:
        return images
    leading = images.shape[:-2]
    if height % size[0] == 0 and width % size[1] == 0:  # means of blocks need no matrix product and its threads
        blocks = images.reshape(*leading, size[0], height // size[0], size[1], width // size[1])
        return np.rint(blocks.mean(axis=(-3, -1), dtype=np.float32)).astype(np.uint8)
    rows = images.reshape(-1, width).astype(np.float32) @ _weights(width, size[1]).T
    means = _weights(height, size[0]) @ rows.reshape(-1, height, size[1])
    return np.rint(means).clip(0, 255).astype(np.uint8).reshape(*leading, *size)


@functools.lru_cache(maxsize=64)
def _weights(size: int, new_size: int) -> np.ndarray:
    """Return the share of each old pixel in each new one, ``[new_size, size]``; rows sum to 1."""
    edges = np.arange(new_size + 1) * (size / new_size)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    overlap = overlap.clip(min=0)
    return (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)
