"""Rectified flow: straight paths from noise to data."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from vdworld.diffusion.process import Process


class RectifiedFlow(Process):
    """Straight paths: ``noisy = (1 - tau) * noise + tau * clean`` (Liu et al. 2022).

    The level is tau in [0, 1]: 0 is pure noise, 1 is clean. x-prediction with the ramp weight as in Dreamer 4 (Hafner
    et al. 2025); v-prediction weights the network's own error evenly.

    Args:
        prediction: "x", the clean frame, or "v", the velocity ``clean - noise``.
        pure_noise: Share of the training levels at tau = 0, where samples start.
        ramp: Loss weight at tau = 0 under x-prediction; it rises linearly to 1 at tau = 1.
        shift: Above 1, more of the levels lie near pure noise, in training and in schedules (Esser et al. 2024).

    Raises:
        ValueError: A setting is out of range, or the process does not admit `prediction`.
    """

    predictions = ("x", "v")
    advice = "At tau = 0 the noise does not determine the frame, and eps is singular: choose prediction=v or x."
    clean_level = 1.0
    noisiest_level = 0.0
    supports_shortcut = True

    def __init__(self, prediction: str = "x", pure_noise: float = 0.25, ramp: float = 1.0, shift: float = 1.0) -> None:
        super().__init__(prediction, pure_noise)
        if not ramp > 0:
            raise ValueError(f"`ramp` must be positive, got {ramp}.")
        if not shift > 0:
            raise ValueError(f"`shift` must be positive, got {shift}.")
        self.ramp = ramp
        self.shift = shift

    def warp(self, s: Tensor) -> Tensor:
        """Return tau at even time `s`, from 0 at noise to 1 at clean, according to `shift`."""
        return s / (s + self.shift * (1 - s))

    def alpha(self, level: Tensor) -> Tensor:
        """Return tau."""
        return level

    def sigma(self, level: Tensor) -> Tensor:
        """Return 1 - tau."""
        return 1 - level

    def rates(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Return d alpha / d tau = 1 and d sigma / d tau = -1."""
        return torch.ones_like(level), -torch.ones_like(level)

    def level_of(self, ratio: Tensor) -> Tensor:
        """Return the tau at which (1 - tau) / tau is `ratio`; infinity gives pure noise."""
        return 1 / (1 + ratio)

    def condition(self, level: Tensor) -> Tensor:
        """Return tau."""
        return level

    def scalings(self, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return c_skip, c_out and c_in at each tau."""
        one, c_in = torch.ones_like(level), (level.square() + (1 - level).square()).rsqrt()
        if self.prediction == "x":
            return torch.zeros_like(level), one, c_in
        return one, 1 - level, c_in

    def loss_weight(self, level: Tensor) -> Tensor:
        """Return the ramp under x-prediction, otherwise 1 / c_out^2."""
        if self.prediction == "x":
            return self.ramp + (1 - self.ramp) * level
        return super().loss_weight(level)

    def draw_levels(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Draw tau, uniform in even time."""
        return self.warp(torch.rand(shape, generator=rng, device=rng.device))

    def shifted(self, shift: float) -> RectifiedFlow:
        """Return the same process with another `shift`, for a schedule of its own."""
        other = copy.copy(self)
        other.shift = shift
        return other

    def spaced_levels(self, num_steps: int) -> Tensor:
        """Return tau at evenly spaced times from 0 to 1."""
        return self.warp(torch.arange(num_steps + 1, dtype=torch.float64) / num_steps)
