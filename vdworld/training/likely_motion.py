"""Where pixels are likely to change next, judged by the past and the place alone, never by what did change."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.data import ClipSource
from vdworld.types import Frames

MOVING = 0.05  # a pixel moves if a channel changes by more than this, in a range of 2
REACH = 3  # pixels around recent motion that are likely to move next
RARELY = 1e-3  # the rate of pixels of which nothing was recorded
NUM_CLIPS, BATCH_SIZE = 512, 32


def change_rates(clips: ClipSource, seed: int = 0) -> Tensor:
    """Return the share of recorded steps in which each pixel changes, ``[h, w]``.

    One change and one rest are added to those that were seen, so that no rate is 0.

    Args:
        clips: Source of recorded clips.
        seed: Seed of the choice of clips.
    """
    rng = torch.Generator().manual_seed(seed)
    batches = (clips.sample(BATCH_SIZE, rng) for _ in range(NUM_CLIPS // BATCH_SIZE))
    steps = torch.cat([moving_pixels(batch.frames.float() / 127.5)[batch.action_mask] for batch in batches])
    return (steps.sum(dim=0) + 1) / (len(steps) + 2)


def likely_motion(past: Frames, memory: int, rates: Tensor | float) -> Tensor:
    """Return for every frame how likely each pixel is to change in the step after it, ``[b, t, h, w]``, positive.

    It is a pixel's rate, plus 1 within ``REACH`` pixels of what changed in the steps before. A loss that is weighted
    by it asks for the same expectation as one that is not, since the weights don't depend on the outcome.

    Args:
        past: Frames ``[b, t, c, h, w]``.
        memory: How many steps before each frame count.
        rates: What ``change_rates`` returned ``[h, w]``, or one rate of all pixels.
    """
    memory = max(memory, 1)
    moves = F.pad(moving_pixels(past).to(past.dtype), (0, 0, 0, 0, memory, 0))  # [b, memory + t - 1, h, w]
    recent = moves.unfold(1, memory, 1).amax(dim=-1)
    return rates + F.max_pool2d(recent, 2 * REACH + 1, stride=1, padding=REACH)


def moving_pixels(frames: Frames) -> Tensor:
    """Return which pixels change in each step, bool ``[b, t - 1, h, w]``."""
    return frames.diff(dim=1).abs().amax(dim=2) > MOVING
