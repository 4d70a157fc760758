"""Networks behind one interface, ``network(noisy, level, context, step_size) -> Prediction``.

`StackedUNet` and `DiamondUNet` take the last K frames stacked along the channels. `VideoUNet` and `Transformer` take
whole clips, each frame at its own noise level, and train on all frames of a clip at once (``network.clip``).
"""

from vdworld.networks.context import Context
from vdworld.networks.cost import Cost, count_flops
from vdworld.networks.diamond_unet import DiamondUNet
from vdworld.networks.ema import ExponentialMovingAverage
from vdworld.networks.kv_cache import KVCache
from vdworld.networks.network import ClipPrediction, Network, Prediction, VideoNetwork
from vdworld.networks.network_sizes import SIZES
from vdworld.networks.stacked_unet import StackedUNet
from vdworld.networks.transformer import Transformer
from vdworld.networks.video_unet import VideoUNet

__all__ = [
    "SIZES",
    "ClipPrediction",
    "Context",
    "Cost",
    "DiamondUNet",
    "ExponentialMovingAverage",
    "KVCache",
    "Network",
    "Prediction",
    "StackedUNet",
    "Transformer",
    "VideoNetwork",
    "VideoUNet",
    "count_flops",
]
