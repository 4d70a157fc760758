"""Copy pixels from nearby places, so that a moving object keeps its appearance."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.types import Frame


def advect(last: Frame, displacement: Tensor) -> Frame:
    """Return for every pixel the colour at a displaced place, interpolated by cubic convolution (Keys 1981, eq. 4).

    Cubic weights keep edges sharp where linear ones, or any other weights without negative parts, blur them a little
    with every step of a dream. They are PyTorch's, with a = -0.75.

    Args:
        last: ``[b, c, h, w]``, three channels per camera; the edge pixels are repeated beyond the edge.
        displacement: Where each pixel comes from, in pixels to the right and down ``[b, c / 3, 2, h, w]``, float32.
    """
    b, c, h, w = last.shape
    size = displacement.new_tensor([w, h])
    columns = torch.arange(w, device=last.device).expand(h, w)
    rows = torch.arange(h, device=last.device)[:, None].expand(h, w)
    places = displacement.flatten(0, 1).movedim(1, -1) + torch.stack([columns, rows], dim=-1)
    frames = last.reshape(b * (c // 3), 3, h, w).to(displacement.dtype)
    grid = (2 * places + 1) / size - 1  # -1 and 1 are the edges of the frame
    return F.grid_sample(frames, grid, "bicubic", "border", align_corners=False).reshape(b, c, h, w)


def advect_by_kernels(last: Frame, weights: Tensor, reach: int) -> Frame:
    """Return for every pixel the weighted sum of the pixels around it (Finn et al. 2016, equation 1).

    The shifts are added one at a time, since a single shifted frame fits the processor's cache.

    Args:
        last: ``[b, c, h, w]``, three channels per camera; the edge pixels are repeated beyond the edge.
        weights: ``[b, c / 3, (2 reach + 1)^2, h, w]``, the offsets row by row.
        reach: The largest offset in pixels.
    """
    b, c, h, w = last.shape
    padded = F.pad(last, (reach,) * 4, mode="replicate") if reach else last
    padded = padded.reshape(b, c // 3, 3, h + 2 * reach, w + 2 * reach)
    side = 2 * reach + 1
    shifts = (padded[..., y : y + h, x : x + w] for y in range(side) for x in range(side))
    total = torch.zeros(b, c // 3, 3, h, w, dtype=torch.promote_types(last.dtype, weights.dtype), device=last.device)
    for shifted, weight in zip(shifts, weights.unbind(dim=2), strict=True):
        total.addcmul_(shifted, weight[:, :, None])
    return total.reshape(b, c, h, w)
