"""Shortcuts: one long step that lands where two half as long would (Frans et al. 2025; Hafner et al. 2025)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vdworld.diffusion.process import Process
from vdworld.types import Frame, NoiseLevels


def draw_jumps(count: int, finest: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw jumps on the dyadic grid: where they begin and how far they go, each ``[count]``, as shares of the way.

    Lengths are 1, 1/2, ... 2/`finest`, the longer the likelier, since they are the harder to learn; a jump begins at a
    multiple of its length.

    Args:
        count: How many.
        finest: The step count from which no step is a shortcut, a power of two.
        rng: On the CPU.
    """
    doublings = (torch.rand(count, generator=rng).square() * (finest.bit_length() - 1)).floor()
    jumps = 2.0**doublings  # of this length on the whole way
    return (torch.rand(count, generator=rng) * jumps).floor() / jumps, 1 / jumps


def shortcut_target(
    denoise: Callable[[Frame, NoiseLevels], Frame],
    process: Process,
    noisy: Frame,
    start: NoiseLevels,
    middle: NoiseLevels,
    end: NoiseLevels,
) -> Frame:
    """Return the clean frame towards which one step must head to land where two steps do.

    Where straight paths lead from noise to the clean frame, the velocity is ``(clean - noisy) / (1 - tau)``. The target
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
