"""Sizes of every network, by the names of the presets.

They are for 64 x 64 frames; presets halve the patch for frames of at most 48 pixels. One frame at one noise level
takes about 0.2 GFLOP with "tiny", 2.5 with "small" and 10 to 16 with "base" (``vdworld.networks.cost``). DIAMOND's
network always has the size of its paper.
"""

from __future__ import annotations

from typing import Any

SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "tiny": {
        "StackedUNet": {"patch": 4, "width": 48, "depth": 1, "coarse_width": 96},
        "VideoUNet": {"patch": 4, "widths": (48, 96), "depth": 1},
        "Transformer": {"patch": 8, "width": 128, "depth": 6},
        "DiamondUNet": {},
    },
    "small": {
        "StackedUNet": {"patch": 4, "width": 192, "depth": 2, "coarse_width": 384, "condition_dim": 256},
        "VideoUNet": {"patch": 4, "widths": (192, 384), "depth": 2, "condition_dim": 256},
        "Transformer": {"patch": 4, "width": 192, "depth": 9, "condition_dim": 256},
        "DiamondUNet": {},
    },
    "base": {
        "StackedUNet": {"patch": 2, "width": 192, "depth": 3, "coarse_width": 384, "condition_dim": 512},
        "VideoUNet": {
            "patch": 2,
            "widths": (160, 320, 480),
            "depth": 2,
            "temporal_levels": (1, 2),
            "condition_dim": 512,
        },
        "Transformer": {"patch": 4, "width": 448, "depth": 12, "head_dim": 64, "condition_dim": 512},
        "DiamondUNet": {},
    },
}
