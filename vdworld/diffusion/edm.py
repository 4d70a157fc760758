"""EDM: noise is added, the frame is never scaled down."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.diffusion.process import Process, over_pixels

_SMALLEST_CONDITION = 0.002  # smaller sigmas look the same to a network: a quarter of a grey level
_TRAINING_REACH = 4  # training goes up to this many times `sigma_max`


class EDM(Process):
    """``noisy = clean + sigma * noise`` with Karras' preconditioning (Karras et al. 2022, Table 1).

    The level is sigma, from `sigma_max` down to 0, in units of frames in [-1, 1]. The defaults are those of DIAMOND
    (Alonso et al. 2024), whose offset noise is 0.3 and whose `initial_std` is 1: its samples deliberately start
    with less noise than `sigma_max`.

    Args:
        prediction: "edm", Karras' F, or "x", the clean frame.
        sigma_data: Standard deviation of the clean frames.
        sigma_min: Last level before 0, and the lowest level in training.
        sigma_max: First level of a schedule; training levels go up to four times as high.
        rho: Spacing of the levels (eq. 5); larger puts more of them near `sigma_min`.
        log_mean: Mean of log sigma in training.
        log_std: Standard deviation of log sigma in training.
        pure_noise: Share of the training levels at `sigma_max`.
        offset_noise: Standard deviation of a second noise in training, constant over each channel of a frame. The
            scalings and the condition include it: they use ``sqrt(sigma^2 + offset_noise^2)``.
        initial_std: Standard deviation of the noise that samplers start from; None is `sigma_max`.

    Raises:
        ValueError: A setting is out of range, or the process does not admit `prediction`.
    """

    predictions = ("edm", "x")
    advice = "It mixes noise and frame so that the target has unit variance at every sigma: choose prediction=edm or x."
    clean_level = 0.0

    def __init__(
        self,
        prediction: str = "edm",
        sigma_data: float = 0.5,
        sigma_min: float = 0.002,
        sigma_max: float = 5.0,
        rho: float = 7.0,
        log_mean: float = -0.4,
        log_std: float = 1.2,
        pure_noise: float = 0.0,
        offset_noise: float = 0.0,
        initial_std: float | None = None,
    ) -> None:
        super().__init__(prediction, pure_noise)
        if not 0 < sigma_min < sigma_max:
            raise ValueError(f"`sigma_min` must lie between 0 and `sigma_max`, got {sigma_min} and {sigma_max}.")
        positive = {"sigma_data": sigma_data, "rho": rho, "log_std": log_std}
        for name, value in (positive if initial_std is None else positive | {"initial_std": initial_std}).items():
            if not value > 0:
                raise ValueError(f"`{name}` must be positive, got {value}.")
        if not offset_noise >= 0:
            raise ValueError(f"`offset_noise` must be at least 0, got {offset_noise}.")
        self.sigma_data, self.sigma_min, self.sigma_max, self.rho = sigma_data, sigma_min, sigma_max, rho
        self.log_mean, self.log_std = log_mean, log_std
        self.offset_noise = offset_noise
        self.noisiest_level = float(sigma_max)
        self._initial_std = float(sigma_max if initial_std is None else initial_std)

    @property
    def initial_std(self) -> float:
        """Standard deviation of the noise that a sampler starts from."""
        return self._initial_std

    def alpha(self, level: Tensor) -> Tensor:
        """Return 1."""
        return torch.ones_like(level)

    def sigma(self, level: Tensor) -> Tensor:
        """Return the level itself."""
        return level

    def rates(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Return d alpha / d sigma = 0 and d sigma / d sigma = 1."""
        return torch.zeros_like(level), torch.ones_like(level)

    def level_of(self, ratio: Tensor) -> Tensor:
        """Return `ratio`, which is sigma, clamped to the noisiest training level, four times `sigma_max`."""
        return ratio.clamp(max=_TRAINING_REACH * self.sigma_max)

    def total_sigma(self, level: Tensor) -> Tensor:
        """Return the standard deviation of all noise in a training frame, offset noise included."""
        return (level.square() + self.offset_noise**2).sqrt()

    def condition(self, level: Tensor) -> Tensor:
        """Return log(sigma) / 4, with sigma at least 0.002."""
        return self.total_sigma(level).clamp(min=_SMALLEST_CONDITION).log() / 4

    def scalings(self, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return c_skip, c_out and c_in at each sigma."""
        sigma = self.total_sigma(level)
        if self.prediction == "x":
            return torch.zeros_like(level), torch.ones_like(level), (1 + sigma.square()).rsqrt()
        total = (sigma.square() + self.sigma_data**2).sqrt()
        return (self.sigma_data / total).square(), sigma * self.sigma_data / total, 1 / total

    def draw_levels(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Draw sigma, log-normal, clipped to the range of training levels."""
        normal = torch.randn(shape, generator=rng, device=rng.device)
        return (self.log_mean + self.log_std * normal).exp().clamp(self.sigma_min, _TRAINING_REACH * self.sigma_max)

    def training_noise(self, shape: tuple[int, ...], level: Tensor, rng: torch.Generator) -> Tensor:
        """Draw ``n + offset_noise / sigma * m``, m being one normal number per channel.

        `mix` multiplies by sigma, so that the offset has the same size at every level except the clean one.
        """
        noise = super().training_noise(shape, level, rng)
        if self.offset_noise == 0:
            return noise
        offset = torch.randn(*shape[:-2], 1, 1, generator=rng, device=rng.device)
        scale = torch.where(level > 0, self.offset_noise / level, 0.0).to(rng.device)
        return noise + over_pixels(scale, noise) * offset

    def spaced_levels(self, num_steps: int) -> Tensor:
        """Return Karras' levels (eq. 5), then 0; one step goes from `sigma_max` to 0."""
        first, last = self.sigma_max ** (1 / self.rho), self.sigma_min ** (1 / self.rho)
        ramp = torch.arange(num_steps, dtype=torch.float64) / max(num_steps - 1, 1)
        levels = (first + ramp * (last - first)) ** self.rho
        levels[0] = self.sigma_max  # exact, without the rounding of the powers
        return torch.cat([levels, torch.zeros(1, dtype=torch.float64)])
