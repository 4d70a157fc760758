"""Diffusion: processes and samplers, independent of any network."""

from vdworld.diffusion.process import RectifiedFlow
from vdworld.diffusion.samplers import sample_euler

__all__ = ["RectifiedFlow", "sample_euler"]
