"""Noise schedules of variance-preserving processes: the frame's share of the power over time.

The shares of the frame and of the noise are computed without cancellation, so that float32 suffices near either end.
Time u is 0 at the clean frame.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor


class Curve(Protocol):
    """A schedule of the shares alpha^2 and sigma^2 = 1 - alpha^2 over time."""

    def shares(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha^2 and sigma^2 at times `u`."""
        ...

    def slope(self, u: Tensor) -> Tensor:
        """Return d alpha^2 / d u."""
        ...

    def time_of(self, ratio: Tensor) -> Tensor:
        """Return the time at which sigma / alpha is `ratio`."""
        ...


class Linear:
    """The noise rate rises linearly: the VP-SDE, of which DDPM is the discrete form (Song et al. 2021, eq. 33)."""

    beta_start, beta_end = 0.1, 20.0

    def shares(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return exp(-B) and 1 - exp(-B), with B the rate integrated up to `u`."""
        integral = self.beta_start * u + (self.beta_end - self.beta_start) / 2 * u.square()
        return (-integral).exp(), -torch.expm1(-integral)

    def slope(self, u: Tensor) -> Tensor:
        """Return -rate * alpha^2."""
        return -(self.beta_start + (self.beta_end - self.beta_start) * u) * self.shares(u)[0]

    def time_of(self, ratio: Tensor) -> Tensor:
        """Return the root of the quadratic B(u) = log(1 + ratio^2)."""
        integral = torch.log1p(ratio.square())
        root = (self.beta_start**2 + 2 * (self.beta_end - self.beta_start) * integral).sqrt()
        return 2 * integral / (self.beta_start + root)


class Cosine:
    """alpha follows a cosine, gentle at both ends (Nichol & Dhariwal 2021, eq. 17)."""

    margin = 0.008
    speed = math.pi / 2 / (1 + margin)
    start = margin * speed

    def shares(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return cos^2 of the angle relative to its value at the start, and the complement."""
        angle, whole = self.start + self.speed * u, math.cos(self.start) ** 2
        return angle.cos().square() / whole, (angle + self.start).sin() * (self.speed * u).sin() / whole

    def slope(self, u: Tensor) -> Tensor:
        """Return d alpha^2 / d u."""
        return -self.speed * (2 * (self.start + self.speed * u)).sin() / math.cos(self.start) ** 2

    def time_of(self, ratio: Tensor) -> Tensor:
        """Return the time at the angle since the start with this tangent."""
        cos, sin, power = math.cos(self.start), math.sin(self.start), ratio.square()
        opposite = (power + sin**2).sqrt()
        return torch.atan2(cos * power / (opposite + sin), cos**2 + sin * opposite) / self.speed


class Sigmoid:
    """alpha^2 falls like a sigmoid between -3 and 3, at temperature 1 (Jabri et al. 2022).

    The formulas are those of hyperbolic functions, since sigmoid(2 z) = (1 + tanh(z)) / 2.
    """

    reach = 3.0

    def shares(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sigmoid's distances from its end and from its start, as shares of its range."""
        whole = 2 * math.sinh(self.reach / 2) * (self.reach * (u - 0.5)).cosh()
        return (self.reach * (1 - u)).sinh() / whole, (self.reach * u).sinh() / whole

    def slope(self, u: Tensor) -> Tensor:
        """Return d alpha^2 / d u."""
        return -self.reach / (2 * math.tanh(self.reach / 2) * (self.reach * (u - 0.5)).cosh().square())

    def time_of(self, ratio: Tensor) -> Tensor:
        """Return the time from the quotient of both shares, solved for tanh."""
        power = ratio.square()
        return torch.atanh(math.sinh(self.reach) * power / (1 + math.cosh(self.reach) * power)) / self.reach
