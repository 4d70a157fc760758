"""Pure functions on frames and returns: PSNR, moving-pixel PSNR, sharpness, intervals, calibration, ranks."""

from vdworld.metrics.frame_metrics import (
    MOVING_THRESHOLD,
    PSNR_CEILING,
    moving_pixels,
    moving_psnr,
    psnr,
    sharpness,
    union_sharpness,
)
from vdworld.metrics.intervals import Interval, bootstrap_interval, paired_difference
from vdworld.metrics.probabilities import Calibration, calibration
from vdworld.metrics.ranks import ranks, spearman, spearman_interval
from vdworld.metrics.shortcomings import optimizer_steps, shortcomings

__all__ = [
    "MOVING_THRESHOLD",
    "PSNR_CEILING",
    "Calibration",
    "Interval",
    "bootstrap_interval",
    "calibration",
    "moving_pixels",
    "moving_psnr",
    "optimizer_steps",
    "paired_difference",
    "psnr",
    "ranks",
    "sharpness",
    "shortcomings",
    "spearman",
    "spearman_interval",
    "union_sharpness",
]
