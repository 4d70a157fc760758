"""Pure functions on frames and returns: PSNR, moving-pixel PSNR, sharpness, intervals, calibration."""

from vdworld.metrics.frames import MOVING_THRESHOLD, PSNR_CEILING, moving_pixels, moving_psnr, psnr, sharpness
from vdworld.metrics.intervals import Interval, bootstrap_interval, paired_difference
from vdworld.metrics.probabilities import Calibration, calibration

__all__ = [
    "MOVING_THRESHOLD",
    "PSNR_CEILING",
    "Calibration",
    "Interval",
    "bootstrap_interval",
    "calibration",
    "moving_pixels",
    "moving_psnr",
    "paired_difference",
    "psnr",
    "sharpness",
]
