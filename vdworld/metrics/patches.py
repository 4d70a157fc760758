"""How far small patches of imagined frames are from those of recorded ones: a distance that needs no matching frame.

A patch around a pixel is cut from a frame ``[c, h, w]`` and flattened. Whatever the frame should have shown, a patch of
a smear, a half-faded object or noise is far from every recorded patch, and a sharp object in the wrong place is not.
"""

from __future__ import annotations

import torch
from torch import Tensor

PATCH_SIZE = 7
"""Height and width of patches in pixels."""

_CHUNK = 4_000_000  # distances held at a time


def draw_pixels(mask: Tensor, num_pixels: int, rng: torch.Generator) -> Tensor:
    """Draw pixels of a mask ``[n, h, w]``, uniformly and at most `num_pixels` in each frame.

    All frames share one random order of pixels, so a frame's draw does not depend on the others.

    Args:
        mask: The pixels that may be drawn.
        num_pixels: Number of pixels per frame; fewer where the mask has fewer.
        rng: A CPU generator.

    Returns:
        Frame, row and column of each pixel, int64 ``[m, 3]``, sorted by frame.
    """
    height, width = mask.shape[1:]
    order = torch.randperm(height * width, generator=rng).to(mask.device)
    shuffled = mask.flatten(1)[:, order]
    drawn = shuffled & (shuffled.cumsum(dim=1) <= num_pixels)
    frames, places = drawn.nonzero().unbind(1)
    pixels = order[places]
    return torch.stack([frames, pixels // width, pixels % width], dim=1)


def cut_patches(frames: Tensor, pixels: Tensor, size: int = PATCH_SIZE) -> Tensor:
    """Return the square patches of frames ``[n, c, h, w]`` around pixels, flattened: ``[m, size * size * c]``.

    Beyond an edge, a frame continues with the pixels of the edge.

    Args:
        frames: The frames, of any size of at least one pixel.
        pixels: Frame, row and column of each pixel, int64 ``[m, 3]``.
        size: Height and width of a patch in pixels; odd.

    Raises:
        ValueError: `size` is not a positive odd number.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"`size` must be a positive odd number, got {size}.")
    height, width = frames.shape[-2:]
    offsets = torch.arange(size, device=frames.device) - size // 2
    frame, row, column = pixels.unbind(1)
    rows = (row[:, None] + offsets).clamp(0, height - 1)
    columns = (column[:, None] + offsets).clamp(0, width - 1)
    return frames[frame[:, None, None], :, rows[:, :, None], columns[:, None, :]].flatten(1)


def nearest_distance(patches: Tensor, bank: Tensor) -> Tensor:
    """Return the distance of each patch to the nearest one of a bank, ``[m]``; infinite if the bank is empty.

    The distance is the root mean square difference of two patches, in the units of frames: 2 is that of black and
    white. An exact copy has 0. Of two patches of the bank whose distance differs by less than 0.001, the further one
    may count: the nearest is looked up with float32 dot products.

    Args:
        patches: The patches ``[m, d]``.
        bank: The patches to compare with, ``[k, d]``.

    Raises:
        ValueError: The patches of the two have different sizes.
    """
    if patches.shape[1:] != bank.shape[1:]:
        raise ValueError(f"`bank` must hold patches of {patches.shape[1]} numbers, got {tuple(bank.shape)}.")
    if not len(bank):
        return patches.new_full((len(patches),), torch.inf)
    half_norms = bank.square().sum(dim=1) / 2
    distances = [patches.new_zeros(0)]
    for part in patches.split(max(1, _CHUNK // len(bank))):
        nearest = torch.addmm(half_norms, part, bank.T, alpha=-1).argmin(dim=1)  # [part, k]: |p - b|^2 / 2 - |p|^2 / 2
        distances.append((part - bank[nearest]).square().mean(dim=1).sqrt())
    return torch.cat(distances)
