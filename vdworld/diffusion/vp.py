"""Variance-preserving diffusion, with the classic noise schedules and predictions."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.diffusion.curves import Cosine, Curve, Linear, Sigmoid
from vdworld.diffusion.process import Process

_CURVES: dict[str, Curve] = {"linear": Linear(), "cosine": Cosine(), "sigmoid": Sigmoid()}
_LOWEST_RATIO, _HIGHEST_RATIO = 0.002, 100.0  # of sigma to alpha


class VariancePreserving(Process):
    """``noisy = alpha * clean + sigma * noise`` with alpha^2 + sigma^2 = 1 (DDPM, Ho et al. 2020; in continuous time).

    The level is the time u, from 0 at clean to `noisiest_level`, where sigma / alpha is 100. There are no noisier
    levels, since an error of eps-prediction is already multiplied by 100 in the frame there. For sampling in few steps
    choose v or x.

    Args:
        schedule: "linear" (Song et al. 2021), "cosine" (Nichol & Dhariwal 2021) or "sigmoid" (Jabri et al. 2022).
        prediction: "eps", the noise; "x", the clean frame; or "v" = alpha * noise - sigma * clean.
        pure_noise: Share of the training levels at `noisiest_level`; the others are uniform in u.

    Raises:
        ValueError: A setting is out of range, or the process does not admit `prediction`.
    """

    predictions = ("eps", "x", "v")
    advice = "Choose one of them, or process=edm for Karras' preconditioning."
    clean_level = 0.0

    def __init__(self, schedule: str = "linear", prediction: str = "eps", pure_noise: float = 0.0) -> None:
        super().__init__(prediction, pure_noise)
        if schedule not in _CURVES:
            raise ValueError(f"`schedule` must be {' or '.join(_CURVES)}, got {schedule!r}.")
        self.curve = _CURVES[schedule]
        lowest, highest = self.curve.time_of(
            torch.tensor([_LOWEST_RATIO, _HIGHEST_RATIO], dtype=torch.float64)
        ).tolist()
        self._lowest_trained = lowest
        self.noisiest_level = highest

    def alpha(self, level: Tensor) -> Tensor:
        """Return the factor of the clean frame at each time."""
        frame, noise = self.curve.shares(level)
        return torch.where(noise < 0.5, 1 - noise, frame).sqrt()  # exactly 1 at the clean level on every processor

    def sigma(self, level: Tensor) -> Tensor:
        """Return the factor of the noise at each time."""
        return self.curve.shares(level)[1].sqrt()

    def rates(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Return d alpha / d u and d sigma / d u; the latter is infinite at u = 0."""
        slope = self.curve.slope(level)
        return slope / (2 * self.alpha(level)), -slope / (2 * self.sigma(level))

    def level_of(self, ratio: Tensor) -> Tensor:
        """Return the time at which sigma / alpha is `ratio`; `noisiest_level` for ratios above 100."""
        return self.curve.time_of(ratio.clamp(max=_HIGHEST_RATIO))

    def condition(self, level: Tensor) -> Tensor:
        """Return 1 - u."""
        return 1 - level

    def scalings(self, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return c_skip, c_out and c_in at each time."""
        alpha, sigma, one = self.alpha(level), self.sigma(level), torch.ones_like(level)
        if self.prediction == "x":
            return torch.zeros_like(level), one, one
        if self.prediction == "eps":
            return 1 / alpha, -sigma / alpha, one
        return alpha, -sigma, one

    def draw_levels(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Draw u, uniform from where sigma is 0.002."""
        uniform = torch.rand(shape, generator=rng, device=rng.device)
        return self._lowest_trained + uniform * (self.noisiest_level - self._lowest_trained)

    def spaced_levels(self, num_steps: int) -> Tensor:
        """Return evenly spaced times from `noisiest_level` to 0."""
        return self.noisiest_level * (torch.arange(num_steps, -1, -1, dtype=torch.float64) / num_steps)
