"""Similarity of imagined and real frames: PSNR, PSNR on moving pixels, sharpness.

Frames are floats in [-1, 1], shape ``[..., c, h, w]``; every function returns one number per frame, ``[...]``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

DATA_RANGE = 2.0
"""Width of the range of frames, [-1, 1]."""

PSNR_CEILING = 10 * math.log10(12 * 255**2)
"""The PSNR of rounding to 8 bits (58.9 dB), the highest score, so that an exact copy does not make a mean infinite."""

MOVING_THRESHOLD = 0.1
"""A pixel counts as moving if a channel differs by more than this (13 of 255 grey levels)."""


def psnr(predicted: Tensor, real: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of each frame in dB; the data range is 2.

    Predictions are clamped to [-1, 1] first, as on a screen; the result is at most ``PSNR_CEILING``.

    Raises:
        ValueError: The shapes differ.
    """
    return _decibels(_squared_error(predicted, real).mean(dim=(-2, -1)))


def moving_pixels(real: Tensor, last_context: Tensor, threshold: float = MOVING_THRESHOLD) -> Tensor:
    """Return which pixels ``[..., h, w]`` of the real frames differ from the last context frame.

    A pixel differs if one channel does by more than `threshold`. `last_context` may have any shape that broadcasts to
    that of `real`.

    Raises:
        ValueError: `threshold` is negative, or the shapes don't broadcast.
    """
    if threshold < 0:
        raise ValueError(f"`threshold` must not be negative, got {threshold}.")
    _check_broadcast(last_context, real)
    return (real - last_context).abs().amax(dim=-3) > threshold


def moving_psnr(predicted: Tensor, real: Tensor, last_context: Tensor, threshold: float = MOVING_THRESHOLD) -> Tensor:
    """Return the PSNR on moving pixels only; NaN if nothing moves.

    With a static background, the PSNR of a whole frame is high even if every small object is lost. Here the error is
    averaged over ``moving_pixels(real, last_context, threshold)``. Leave NaNs out of means, as ``bootstrap_interval``
    does.

    Args:
        predicted: Imagined frames ``[..., c, h, w]``.
        real: Real frames of the same steps.
        last_context: The last context frame; broadcasts to `real`.
        threshold: Smallest change of a channel, in frame units, that counts as motion.
    """
    moving = moving_pixels(real, last_context, threshold)
    error = _squared_error(predicted, real).where(moving, 0.0).sum(dim=(-2, -1))
    return _decibels(error / moving.sum(dim=(-2, -1)))  # 0 / 0 is the documented NaN


def sharpness(predicted: Tensor, real: Tensor, last_context: Tensor, threshold: float = MOVING_THRESHOLD) -> Tensor:
    """Return the gradient energy of imagined frames divided by that of real ones, on moving pixels.

    1 is as sharp as the real frames, less is blurred or in the wrong place (see ``union_sharpness``), more is noisy.
    Unlike PSNR, it does not reward a blurred average.
    NaN if nothing moves, or if the real moving pixels are flat.
    """
    return _energy_ratio(predicted, real, moving_pixels(real, last_context, threshold))


def union_sharpness(
    predicted: Tensor, real: Tensor, last_context: Tensor, threshold: float = MOVING_THRESHOLD
) -> Tensor:
    """Return the gradient energy of imagined frames divided by that of real ones, where one of the two moves.

    An object that is imagined sharply but in the wrong place has 1 here, and less by ``sharpness``, which looks where
    the real frame moves. NaN if nothing moves, or if the real frame is flat there.
    """
    moving = (moving_pixels(frames, last_context, threshold) for frames in (predicted.clamp(-1, 1), real))
    return _energy_ratio(predicted, real, torch.logical_or(*moving))


def _energy_ratio(predicted: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    """Return the ratio of the gradient energies over the pixels of a mask ``[..., h, w]``; NaN where `real` is flat."""
    imagined, actual = (
        _gradient_energy(frames).where(mask, 0.0).sum(dim=(-2, -1)) for frames in (predicted.clamp(-1, 1), real)
    )
    return torch.where(actual > 0, imagined / actual, torch.nan)


def _squared_error(predicted: Tensor, real: Tensor) -> Tensor:
    """Return the squared error of each pixel ``[..., h, w]``, averaged over channels."""
    if predicted.shape != real.shape:
        raise ValueError(
            f"`predicted` must have the shape of `real`, {tuple(real.shape)}, got {tuple(predicted.shape)}."
        )
    return (predicted.clamp(-1, 1) - real).square().mean(dim=-3)


def _decibels(error: Tensor) -> Tensor:
    return (10 * torch.log10(DATA_RANGE**2 / error)).clamp(max=PSNR_CEILING)


def _gradient_energy(frames: Tensor) -> Tensor:
    """Return the squared forward differences of each pixel ``[..., h, w]``, summed over channels and directions."""
    down = F.pad(frames.diff(dim=-2), (0, 0, 0, 1))
    right = F.pad(frames.diff(dim=-1), (0, 1))
    return (down.square() + right.square()).sum(dim=-3)


def _check_broadcast(small: Tensor, large: Tensor) -> None:
    try:
        fits = torch.broadcast_shapes(small.shape, large.shape) == large.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"`last_context` must broadcast to the shape of `real`, {tuple(large.shape)}, got {tuple(small.shape)}."
        )
