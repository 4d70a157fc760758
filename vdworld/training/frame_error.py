"""The error of estimated frames: it asks for their expectation, whatever its weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vdworld.argument_hints import refuse_former
from vdworld.metrics import moving_pixels
from vdworld.setting_types import check_types
from vdworld.training.likely_motion import MOVING
from vdworld.types import Frame, PerLane

ROUNDING = 1e-3  # a quarter of a grey level: among recorded colours, only black and white are this close to the limits
MIN_CHANGED = 4  # pixels; fewer changes do not get more attention each
FAINT = 1 / 127.5  # a grey level: below, the error of pixels at rest is square, above absolute


@refuse_former(still="is now called `static_l1`", effort="is now called `copy_penalty`")
@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts of the loss. Whatever they are, the expected frame has the smallest expected error.

    Args:
        moving: Weight of each frame's mean squared error over the pixels that are likely to change (``LikelyMotion``),
            added to the mean over all pixels, so that a small moving object counts as much as a large one. Early in a
            run, pixels that do change take their place (``MotionCurriculum``).
        static_l1: Weight of an error that is the absolute one where a pixel rests, in units of a frame's range of 2
            (``change_divergence``). Squared errors neglect faint faults, which accumulate in long dreams.
        copy_penalty: Weight of the share of pixels that are not copied in place, for networks that copy pixels, where
            the past is clean. A noisy past is better averaged over many places, which removes the noise.
        reward: Weight of the squared error of the standardised reward.
        continuation: Weight of the cross entropy of the continuation.
        readings: Weight of the squared error of the standardised readings.
    """

    moving: float = 0.6
    static_l1: float = 0.0
    copy_penalty: float = 4e-3
    reward: float = 0.01
    continuation: float = 0.01
    readings: float = 0.01

    def __post_init__(self) -> None:
        check_types(self)


def frame_error(
    estimate: Frame,
    target: Frame,
    last: Frame,
    weights: LossWeights,
    likely: Tensor | float = 1.0,
    change_emphasis: float = 0.0,
) -> PerLane:
    """Return each frame's mean squared error ``[b]``, plus the weighted errors of motion and of faint changes.

    Without `change_emphasis`, its mean over random targets is smallest at their mean, whatever the weights: `last` and
    `likely` are known before the target is. A weight that depends on the target asks for changes more often than they
    happen.

    Estimates beyond black or white are not penalised: a dream clamps them, which makes these colours exact.

    Args:
        estimate: Estimates of the clean frames.
        target: The clean frames.
        last: The frames before them.
        weights: Weights of the parts.
        likely: How likely each pixel is to change ``[b, h, w]``, up to a factor.
        change_emphasis: Share of the attention to motion that goes to the pixels that do change in the target, in
            [0, 1] (``MotionCurriculum``).
    """
    beyond = (target.abs() > 1 - ROUNDING) & ((estimate - target) * target > 0)
    estimate = torch.where(beyond, target, estimate)
    squared = (estimate - target).square().mean(dim=1)  # [b, h, w]
    attention = torch.as_tensor(likely).to(squared).expand_as(squared)
    attention = attention / attention.sum(dim=(1, 2), keepdim=True)
    if change_emphasis:
        changed = moving_pixels(target, last, MOVING).to(squared)
        changed = changed / changed.sum(dim=(1, 2), keepdim=True).clamp(min=MIN_CHANGED)
        attention = attention.lerp(changed, change_emphasis)
    error = squared.mean(dim=(1, 2)) + weights.moving * (squared * attention).sum(dim=(1, 2))
    if weights.static_l1:
        error = error + weights.static_l1 * change_divergence(estimate - last, target - last).mean(dim=(1, 2, 3))
    return error


def change_divergence(estimate: Tensor, target: Tensor) -> Tensor:
    """Return how far estimated changes of pixels are from the true ones.

    It is the Bregman divergence of ``f(s) = (|s| + FAINT) log(1 + |s| / FAINT) - |s|``, whose expectation, unlike that
    of an absolute error, is smallest at the expected change (Banerjee et al. 2005, theorem 1). Where a pixel rests, it
    is nearly the absolute error of an estimate beyond FAINT.
    """
    size, true_size = estimate.abs(), target.abs()
    slope, true_slope = (size / FAINT).log1p(), (true_size / FAINT).log1p()
    own = (true_size + FAINT) * true_slope - true_size
    return own - estimate.sign() * slope * target + size - FAINT * slope
