"""Two-hot encoding: numbers of any size as distributions over fixed bins (Hafner et al. 2023, equations 8 to 10)."""

from __future__ import annotations

import torch
from torch import Tensor

NUM_BINS, LIMIT = 255, 12.0


def bins(like: Tensor) -> Tensor:
    """Return the centres of the bins, dense around zero and sparse beyond: ``symexp`` of an even grid."""
    positive = torch.linspace(0, LIMIT, NUM_BINS // 2 + 1, device=like.device, dtype=like.dtype).expm1()
    return torch.cat([-positive[1:].flip(0), positive])


def two_hot(values: Tensor) -> Tensor:
    """Return weights ``[..., 255]`` on the two bins around each value; their mean is the value.

    Values beyond about +-160,000 are clipped to the outermost bins.
    """
    centres = bins(values)
    clamped = values.clamp(centres[0], centres[-1])
    above = torch.searchsorted(centres, clamped.contiguous()).clamp(1, NUM_BINS - 1)
    low, high = centres[above - 1], centres[above]
    share = ((clamped - low) / (high - low))[..., None]
    weights = torch.zeros(*values.shape, NUM_BINS, device=values.device, dtype=values.dtype)
    return weights.scatter(-1, above[..., None] - 1, 1 - share).scatter(-1, above[..., None], share)


def mean(logits: Tensor) -> Tensor:
    """Return the mean ``[...]`` of the distribution over bins; exactly 0 where all logits are equal.

    Bins are added in pairs of opposite sign, so that the large outermost ones leave no rounding error.
    """
    weighted = logits.softmax(dim=-1) * bins(logits)
    half = NUM_BINS // 2
    return (weighted[..., :half] + weighted[..., half + 1 :].flip(-1)).sum(dim=-1) + weighted[..., half]


def loss(logits: Tensor, values: Tensor) -> Tensor:
    """Return the cross entropy ``[...]`` of values ``[...]`` under logits ``[..., 255]``."""
    return -(two_hot(values) * logits.log_softmax(dim=-1)).sum(dim=-1)
