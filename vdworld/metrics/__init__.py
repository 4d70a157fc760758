"""Pure functions on frames and returns: PSNR, sharpness, patch distance, intervals, calibration, ranks."""

from vdworld.metrics.frame_metrics import (
    MOVING_THRESHOLD,
    PSNR_CEILING,
    moving_pixels,
    moving_psnr,
    psnr,
    sharpness,
    union_sharpness,
)
from vdworld.metrics.intervals import Interval, bootstrap_interval, paired_difference, ratio_interval
from vdworld.metrics.patches import PATCH_SIZE, cut_patches, draw_pixels, nearest_distance
from vdworld.metrics.probabilities import Calibration, calibration
from vdworld.metrics.ranks import ranks, spearman, spearman_interval
from vdworld.metrics.shortcomings import optimizer_steps, shortcomings

__all__ = [
    "MOVING_THRESHOLD",
    "PATCH_SIZE",
    "PSNR_CEILING",
    "Calibration",
    "Interval",
    "bootstrap_interval",
    "calibration",
    "cut_patches",
    "draw_pixels",
    "moving_pixels",
    "moving_psnr",
    "nearest_distance",
    "optimizer_steps",
    "paired_difference",
    "psnr",
    "ranks",
    "ratio_interval",
    "sharpness",
    "shortcomings",
    "spearman",
    "spearman_interval",
    "union_sharpness",
]
