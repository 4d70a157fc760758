"""Noise on the frames of a context, and the levels that tell the network about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from vdworld.diffusion import Process
from vdworld.networks import Context
from vdworld.types import ClipLevels, Frame, Frames, LaneIntegers
from vdworld.world.noise import DRAWS_PER_STEP, lane_key, lane_normal


def add_lane_noise(
    process: Process, frames: Frames, seed: LaneIntegers, counter: LaneIntegers, ratio: float
) -> tuple[Frames, ClipLevels]:
    """Return frames with noise `ratio` times as strong as the signal, and their levels ``[b, k]``.

    A frame gets the same noise in every step that has it in its context, so that the cache of a video network stays
    valid.

    Args:
        process: The diffusion process that the world was trained with.
        frames: Consecutive clean frames ``[b, k, c, h, w]``.
        seed: The lanes' random streams ``[b]``.
        counter: The counter of the step after the last frame ``[b]``.
        ratio: Above 0.
    """
    b, k, *shape = frames.shape
    keys = [lane_key(seed, counter - DRAWS_PER_STEP * (k - i)) for i in range(k)]
    noise = torch.stack([lane_normal(key, torch.zeros_like(key), tuple(shape)) for key in keys], dim=1)
    level = process.level_of(torch.full((b, k), ratio, device=frames.device))
    return process.mix(frames, noise, level), level


def add_noise(process: Process, context: Context, ratio: float, draw: Callable[[], Frame]) -> Context:
    """Return a clean context with fresh noise on its frames, and without its cache.

    Args:
        process: The diffusion process that the world was trained with.
        context: Clean frames and the actions after them.
        ratio: Strength of the noise relative to the signal; infinity leaves nothing but noise.
        draw: Returns fresh standard normal noise in the shape of a frame.
    """
    level = process.level_of(torch.full(context.level.shape, ratio, device=context.frames.device))
    noise = torch.stack([draw() for _ in range(context.frames.shape[1])], dim=1)
    return replace(context, frames=process.mix(context.frames, noise, level), level=level, cache=None)
