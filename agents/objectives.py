"""What a plan is worth: functions of an imagined rollout, higher is better."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.types import Frame, PerLane
from vdworld.world import Rollout

Objective = Callable[[Rollout, Frame | None], PerLane]
"""Maps a rollout of b lanes, and their goal frames if there are any, to one score per lane."""


class Return:
    """The expected discounted sum of rewards, each weighted by the probability that the episode is still going on.

    Args:
        discount: Per step, in [0, 1].
    """

    def __init__(self, discount: float = 1.0) -> None:
        if not 0 <= discount <= 1:
            raise ValueError(f"`discount` must lie in [0, 1], got {discount}.")
        self.discount = discount

    def __call__(self, rollout: Rollout, goal: Frame | None = None) -> PerLane:
        """Return one score per lane ``[b]``, in units of reward."""
        alive = torch.cat([torch.ones_like(rollout.continuations[:, :1]), rollout.continuations[:, :-1]], dim=1)
        steps = torch.arange(rollout.rewards.shape[1], device=rollout.rewards.device)
        return (rollout.rewards * alive.cumprod(dim=1) * self.discount**steps).sum(dim=1)


class GoalImage:
    """How much the imagined frames look like a goal image, at several scales.

    Plain pixel error is flat wherever shapes don't overlap; blurring both images gives the search a slope. The score
    is the cosine between what stands out from the background in either, averaged over the scales: unlike a squared
    error it is not won by dreams in which things fade.

    Args:
        blur: Standard deviations of the blurs, as shares of the frame's height; 0 leaves the pixels as they are.
        last: How much the last frame counts against the mean over all frames, in [0, 1].
        background: What a frame holds when nothing stands out ``[c, h, w]``, such as ``world.background()``; None
            takes each frame's mean colour.

    Attributes:
        frames_only: Tells planners that rewards need not be imagined.
    """

    frames_only = True

    def __init__(
        self, blur: tuple[float, ...] = (0.05, 0.15), last: float = 0.5, background: Tensor | None = None
    ) -> None:
        if not blur or min(blur) < 0:
            raise ValueError(f"`blur` must hold numbers from 0, got {blur}.")
        if not 0 <= last <= 1:
            raise ValueError(f"`last` must lie in [0, 1], got {last}.")
        self.blur, self.last, self.background = tuple(blur), last, background

    def __call__(self, rollout: Rollout, goal: Frame | None = None) -> PerLane:
        """Return one score per lane ``[b]``, in [-1, 1]; 1 is the goal itself.

        Raises:
            ValueError: No goal was given.
        """
        if goal is None:
            raise ValueError("`goal` must be given for a GoalImage objective: reset the agent with `goal=frames`.")
        likeness = self.likeness(rollout.frames, goal[:, None])
        return self.last * likeness[:, -1] + (1 - self.last) * likeness.mean(dim=1)

    def likeness(self, frames: Tensor, goal: Tensor) -> Tensor:
        """Return the mean cosine between frames that broadcast, ``[..., c, h, w]`` -> ``[...]``."""
        pairs = [(self._standing_out(frames), self._standing_out(goal))]
        blurred = [(blur(x, std).flatten(-3), blur(y, std).flatten(-3)) for x, y in pairs for std in self.blur]
        return torch.stack([F.cosine_similarity(x, y, dim=-1) for x, y in blurred]).mean(dim=0)

    def _standing_out(self, frames: Tensor) -> Tensor:
        if self.background is None:
            return frames - frames.mean(dim=(-2, -1), keepdim=True)
        return frames - self.background.to(frames)


def blur(frames: Tensor, std: float) -> Tensor:
    """Blur frames ``[..., c, h, w]`` with a Gaussian of `std` frame heights; edges are repeated."""
    height, width = frames.shape[-2:]
    sigma = std * height
    if sigma == 0:
        return frames
    radius = max(int(2.5 * sigma + 0.5), 1)
    taps = torch.arange(-radius, radius + 1, device=frames.device, dtype=frames.dtype)
    kernel = torch.exp(-0.5 * (taps / sigma).square())
    kernel = (kernel / kernel.sum())[None, None]
    flat = frames.reshape(-1, 1, height, width)
    flat = F.conv2d(F.pad(flat, (radius, radius, 0, 0), mode="replicate"), kernel[:, :, None])
    flat = F.conv2d(F.pad(flat, (0, 0, radius, radius), mode="replicate"), kernel[..., None])
    return flat.reshape(frames.shape)
