"""Networks that estimate clean frames."""

from vdworld.networks.context import Context
from vdworld.networks.ema import ExponentialMovingAverage
from vdworld.networks.unet import StackedUNet

__all__ = ["Context", "ExponentialMovingAverage", "StackedUNet"]
