"""Copy pixels from where they were: what moves keeps its looks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.types import Frame


def advect(last: Frame, weights: Tensor, reach: int) -> Frame:
    """Sum the pixels around every place of a frame, weighted (Finn et al. 2016, equation 1).

    One shift at a time, since a shifted frame fits the cache and all of them unfolded do not.

    Args:
        last: ``[b, c, h, w]``, three channels per camera; its edge pixels go on beyond the edge.
        weights: ``[b, c / 3, (2 reach + 1)^2, h, w]``, the places row by row.
        reach: How many pixels away a place can lie.
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
