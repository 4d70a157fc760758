"""Where pixels are likely to change next, judged by the past and the place alone, never by what did change."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.data import ClipSource
from vdworld.metrics import moving_pixels
from vdworld.types import Frames

MOVING = 0.05  # a pixel moves if a channel changes by more than this, in a range of 2
REACH = 8  # pixels; all larger distances from recent motion count as one
NUM_CLIPS, BATCH_SIZE = 512, 32


@dataclass(frozen=True)
class LikelyMotion:
    """How often pixels change in recorded steps, by their place and by their distance from the last step's changes.

    A loss that is weighted by it asks for the same expectation as one that is not, since it is known before the frame.

    Args:
        by_place: Share of the steps in which each pixel changes ``[h, w]``, positive.
        by_distance: Share of the pixels that change at each distance from what changed in the step before, from 0 to
            ``REACH`` and beyond ``[REACH + 2]``, positive.
    """

    by_place: Tensor
    by_distance: Tensor

    @classmethod
    def measure(cls, clips: ClipSource, seed: int = 0) -> LikelyMotion:
        """Count changes in recorded clips, padding left out, and a little more, so that no share is 0.

        Args:
            clips: Source of the clips.
            seed: Seed of their choice.
        """
        rng, parts = torch.Generator().manual_seed(seed), []
        for _ in range(NUM_CLIPS // BATCH_SIZE):
            batch = clips.sample(BATCH_SIZE, rng)
            changes, is_step = changed_pixels(batch.frames.float() / 127.5), batch.action_mask
            follows = is_step[:, :-1] & is_step[:, 1:]  # a step of the episode after another
            distance, changed = distances(changes[:, :-1])[follows], changes[:, 1:][follows]
            counts = [part.flatten().bincount(minlength=REACH + 2) for part in (distance[changed], distance)]
            parts.append((changes[is_step].float().sum(dim=0), is_step.sum(), *counts))
        by_place, steps, changed, pixels = (torch.stack(column).sum(dim=0) for column in zip(*parts, strict=True))
        return cls(by_place / steps + 1 / NUM_CLIPS, (changed + 1) / (pixels + 1))

    def __call__(self, past: Frames) -> Tensor:
        """Return how likely each pixel is to change after each frame of the past ``[b, t, h, w]``, up to a factor.

        Only the step before a frame counts, so that its two frames suffice as a past. Places count by half, so that
        motion is expected where it never came in the recordings, too.

        Args:
            past: Frames ``[b, t, c, h, w]``; before the first one nothing is known to have moved.
        """
        changes = F.pad(changed_pixels(past), (0, 0, 0, 0, 1, 0))
        return self.by_distance[distances(changes)] * (1 + self.by_place / self.by_place.mean())

    def to(self, device: torch.device) -> LikelyMotion:
        """Return the shares on a device."""
        return LikelyMotion(self.by_place.to(device), self.by_distance.to(device))


def changed_pixels(frames: Frames) -> Tensor:
    """Return which pixels change in each step, bool ``[b, t - 1, h, w]``."""
    return moving_pixels(frames[:, 1:], frames[:, :-1], MOVING)


def distances(changes: Tensor) -> Tensor:
    """Return each pixel's distance from the nearest change of its step, the larger of rows and columns.

    Args:
        changes: Bool ``[b, t, h, w]``.

    Returns:
        int64 ``[b, t, h, w]``, from 0 to ``REACH``, or ``REACH + 1`` for all beyond.
    """
    reached = changes.float()
    distance = (REACH + 1) - reached.long()
    for _ in range(REACH):
        reached = F.max_pool2d(reached, 3, stride=1, padding=1)
        distance = distance - reached.long()
    return distance
