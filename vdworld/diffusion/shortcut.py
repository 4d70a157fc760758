"""Shortcuts: one long step that ends where two half as long would (Frans et al. 2025; Hafner et al. 2025)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vdworld.diffusion.flow import RectifiedFlow
from vdworld.diffusion.process import Process
from vdworld.types import Frame, NoiseLevels

CONSISTENCY = "consistency"
"""The name of ``sample_consistency`` in settings; it needs a world trained with shortcuts."""

Leap = Callable[[Frame, float, float], Frame]
"""Maps a noisy frame, its level, and the step's length as a share of the path, to the clean frame at its end."""


def draw_jumps(count: int, finest: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw jumps on the dyadic grid: where they begin and how far they go, each ``[count]``, as shares of the path.

    Lengths are 1, 1/2, ... 2/`finest`. Longer ones are likelier, since they are harder to learn. A jump begins at a
    multiple of its length.

    Args:
        count: How many jumps.
        finest: The step count from which no step is a shortcut, a power of two.
        rng: A generator on the CPU.
    """
    doublings = (torch.rand(count, generator=rng).square() * (finest.bit_length() - 1)).floor()
    jumps_per_path = 2.0**doublings
    return (torch.rand(count, generator=rng) * jumps_per_path).floor() / jumps_per_path, 1 / jumps_per_path


def shortcut_target(
    denoise: Callable[[Frame, NoiseLevels], Frame],
    process: Process,
    noisy: Frame,
    start: NoiseLevels,
    middle: NoiseLevels,
    end: NoiseLevels,
) -> Frame:
    """Return the clean frame towards which one step must move to end where two steps do.

    On straight paths from noise to the clean frame, the velocity is ``(clean - noisy) / (1 - tau)``. The target
    is the mean velocity of the two steps, written as a clean frame (Hafner et al. 2025, equation 7).

    Args:
        denoise: Estimates the clean frame in a step half as long.
        process: A rectified flow.
        noisy: ``[b, c, h, w]`` at `start`.
        start: Levels ``[b]``.
        middle: Where the first half ends.
        end: Where the second half ends.
    """
    start, middle, end = (level[:, None, None, None] for level in (start, middle, end))
    first = denoise(noisy, start.flatten())
    between = noisy + (middle - start) / (1 - start) * (first - noisy)
    second = denoise(between, middle.flatten())
    landed = between + (end - middle) / (1 - middle) * (second - between)
    return noisy + (1 - start) / (end - start) * (landed - noisy)


def sample_consistency(
    leap: Leap, process: RectifiedFlow, noise: Frame, num_steps: int, *, draw: Callable[[], Frame]
) -> Frame:
    """Jump all the way to a frame, mix fresh noise into it, and jump again (Song et al. 2023, Algorithm 1).

    If the first noise lies between two outcomes, so does the frame it leads to, and Euler steps, which keep that noise,
    stay there. Fresh noise decides between the outcomes: blends become rare, and the odds stay the same. After the
    first, jump i begins ``2 ** -(i + 1)`` of the path before its end.

    Args:
        leap: One shortcut over the rest of the path.
        process: The process that the denoiser was trained with.
        noise: Standard normal ``[b, c, h, w]``.
        num_steps: Number of jumps; at least 1.
        draw: Returns fresh standard normal noise of the same shape.
    """
    frame = leap(noise, process.noisiest_level, 1.0)
    for length in (2.0**-i for i in range(2, num_steps + 1)):
        level = float(process.warp(torch.tensor(1 - length)))
        noisy = process.mix(frame, draw(), torch.full_like(frame[:, 0, 0, 0], level))
        frame = leap(noisy, level, length)
    return frame
