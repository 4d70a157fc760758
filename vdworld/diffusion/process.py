"""Diffusion processes: how clean frames and noise mix, and what training asks of the network at each level."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.types import Frame, NoiseLevels


class RectifiedFlow:
    """Straight paths from noise to data, with the network predicting the clean frame.

    ``noisy = (1 - tau) * noise + tau * clean`` with tau in [0, 1]: 0 is pure noise, 1 is clean (Liu et al. 2022;
    x-prediction and the ramp weight as in Hafner et al. 2025, Dreamer 4).

    Args:
        pure_noise: Share of the training rows at tau = 0, where a one-step sample starts.
        ramp: Loss weight at tau = 0; it rises linearly to 1 at tau = 1.
    """

    clean_level = 1.0

    def __init__(self, pure_noise: float = 0.25, ramp: float = 1.0) -> None:
        if not 0 <= pure_noise <= 1:
            raise ValueError(f"`pure_noise` must lie in [0, 1], got {pure_noise}.")
        if ramp <= 0:
            raise ValueError(f"`ramp` must be positive, got {ramp}.")
        self.pure_noise = pure_noise
        self.ramp = ramp

    def training_levels(self, count: int, rng: torch.Generator) -> NoiseLevels:
        """Draw noise levels ``[count]``: uniform in [0, 1], with a share of pure noise."""
        tau = torch.rand(count, generator=rng, device=rng.device)
        pure = torch.rand(count, generator=rng, device=rng.device) < self.pure_noise
        return tau.masked_fill(pure, 0.0)

    def mix(self, clean: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
        """Return noisy frames; `tau` has one level per leading row of `clean`."""
        tau = tau.reshape(tau.shape + (1,) * (clean.ndim - tau.ndim))
        return noise + tau * (clean - noise)

    def loss_weight(self, tau: NoiseLevels) -> Tensor:
        """Return the weight of the squared error of the clean estimate at each level."""
        return self.ramp + (1 - self.ramp) * tau

    def schedule(self, num_steps: int) -> list[float]:
        """Return the ``num_steps + 1`` levels a sampler visits, from pure noise to clean.

        Raises:
            ValueError: `num_steps` is below 1.
        """
        if num_steps < 1:
            raise ValueError(f"`num_sampling_steps` must be at least 1, got {num_steps}.")
        return [i / num_steps for i in range(num_steps + 1)]

    def velocity(self, clean: Frame, noisy: Frame, tau: float) -> Frame:
        """Return d noisy / d tau on the straight path to `clean`; tau < 1."""
        return (clean - noisy) / (1 - tau)
