"""Samplers: pure functions that carry noise to a frame through a denoiser."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from vdworld.diffusion.process import RectifiedFlow
from vdworld.types import Frame

Denoise = Callable[[Frame, float], Frame]
"""Maps a noisy frame and its level to the expected clean frame."""


def sample_euler(denoise: Denoise, process: RectifiedFlow, noise: Frame, levels: Sequence[float]) -> Frame:
    """Follow the process's probability flow with Euler steps, one evaluation a step.

    Args:
        denoise: The expected clean frame given a noisy one, E[clean | noisy].
        process: Gives the velocity at each level.
        noise: The start, standard normal, ``[b, c, h, w]``.
        levels: The levels to visit, from pure noise to clean.
    """
    noisy = noise
    for level, next_level in itertools.pairwise(levels):
        clean = denoise(noisy, level)
        if next_level == process.clean_level:
            return clean  # the last step lands on the estimate itself, without rounding
        noisy = noisy + (next_level - level) * process.velocity(clean, noisy, level)
    return noisy
