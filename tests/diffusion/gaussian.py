"""Frames whose pixels are independent Gaussians, another one per channel: denoiser and flow in closed form."""

from __future__ import annotations

from collections.abc import Callable

import torch

from vdworld.diffusion import EDM, Denoise, Process, RectifiedFlow, VariancePreserving

MEAN = torch.tensor([0.4, -0.2, 0.0], dtype=torch.float64).view(1, 3, 1, 1)
STD = torch.tensor([0.5, 0.6, 0.8], dtype=torch.float64).view(1, 3, 1, 1)

PROCESSES = {
    "flow-x": RectifiedFlow(),
    "flow-v": RectifiedFlow("v", shift=2.0),
    "edm-edm": EDM(sigma_max=80.0),
    "edm-x": EDM("x", sigma_max=80.0),
    "vp-linear-eps": VariancePreserving("linear", "eps"),
    "vp-cosine-v": VariancePreserving("cosine", "v"),
    "vp-sigmoid-x": VariancePreserving("sigmoid", "x"),
}


def standard_noise(count: int = 16, size: int = 16) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def source(noise: torch.Tensor, seed: int = 1) -> Callable[[], torch.Tensor]:
    """Draws standard normal noise like `noise`."""
    rng = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(noise.shape, generator=rng, dtype=noise.dtype)


def spread(process: Process, level: float) -> torch.Tensor:
    """The standard deviation of noisy pixels at a level."""
    alpha, sigma = process.coefficients(level)
    return (alpha**2 * STD**2 + sigma**2).sqrt()


def exact_denoiser(process: Process) -> Denoise:
    """E[clean | noisy]: both are Gaussian, so it is linear."""

    def denoise(noisy: torch.Tensor, level: float) -> torch.Tensor:
        alpha, sigma = process.coefficients(level)
        gain = alpha * STD**2 / (alpha**2 * STD**2 + sigma**2)
        return MEAN + gain * (noisy - alpha * MEAN)

    return denoise


def start(process: Process, noise: torch.Tensor, level: float) -> torch.Tensor:
    """Carry noise to noisy frames at a level as the exact flow does: in standard deviations from the mean."""
    return process.coefficients(level)[0] * MEAN + spread(process, level) * noise


def network_output(process: Process, clean: torch.Tensor, noisy: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """What a network of the process's prediction puts out where the clean frame is known, by definition.

    `level` broadcasts with the frames.
    """
    alpha, sigma = process.alpha(level), process.sigma(level)
    if process.prediction == "x":
        return clean
    if isinstance(process, EDM):
        data = process.sigma_data
        return (clean * (sigma**2 + data**2) - data**2 * noisy) / (sigma * data * (sigma**2 + data**2).sqrt())
    noise = (noisy - alpha * clean) / sigma
    if process.prediction == "eps":
        return noise
    return clean - noise if isinstance(process, RectifiedFlow) else alpha * noise - sigma * clean
