"""Networks behind one interface, ``network(noisy, level, context, step_size) -> (prediction, features)``.

`StackedUNet` and `DiamondUNet` see the last K frames stacked on channels. `VideoUNet` and `Transformer` see whole
clips, each frame at its own noise level, and are trained on all frames of a clip at once (``network.clip``).
"""

from vdworld.networks.context import Context
from vdworld.networks.cost import Cost, count_flops
from vdworld.networks.diamond import DiamondUNet
from vdworld.networks.ema import ExponentialMovingAverage
from vdworld.networks.kv_cache import KVCache
from vdworld.networks.network import Network, VideoNetwork
from vdworld.networks.network_sizes import SIZES
from vdworld.networks.transformer import Transformer
from vdworld.networks.unet import StackedUNet
from vdworld.networks.video_unet import VideoUNet

__all__ = [
    "SIZES",
    "Context",
    "Cost",
    "DiamondUNet",
    "ExponentialMovingAverage",
    "KVCache",
    "Network",
    "StackedUNet",
    "Transformer",
    "VideoNetwork",
    "VideoUNet",
    "count_flops",
]
