"""Diffusion: processes and samplers, independent of any network."""

from vdworld.diffusion.edm import EDM
from vdworld.diffusion.flow import RectifiedFlow
from vdworld.diffusion.process import Process, over_pixels
from vdworld.diffusion.samplers import (
    SAMPLERS,
    STOCHASTIC,
    Denoise,
    check_sampler,
    num_evaluations,
    sample_ancestral,
    sample_churn,
    sample_ddim,
    sample_dpmpp_2m,
    sample_euler,
    sample_heun,
)
from vdworld.diffusion.shortcut import CONSISTENCY, draw_jumps, sample_consistency, shortcut_target
from vdworld.diffusion.vp import VariancePreserving

__all__ = [
    "CONSISTENCY",
    "EDM",
    "SAMPLERS",
    "STOCHASTIC",
    "Denoise",
    "Process",
    "RectifiedFlow",
    "VariancePreserving",
    "check_sampler",
    "draw_jumps",
    "num_evaluations",
    "over_pixels",
    "sample_ancestral",
    "sample_churn",
    "sample_consistency",
    "sample_ddim",
    "sample_dpmpp_2m",
    "sample_euler",
    "sample_heun",
    "shortcut_target",
]
