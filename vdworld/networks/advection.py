"""Copy pixels from nearby places, so that a moving object keeps its appearance."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.types import Frame


def advect(last: Frame, weights: Tensor, reach: int) -> Frame:
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
