"""Diffusion processes: how clean frames and noise mix, and what the network predicts at each level."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

_SMALLEST_C_OUT = 1e-3  # below this, float32 no longer resolves the network's own error


def over_pixels(level: Tensor, frames: Tensor) -> Tensor:
    """Append axes to `level`, whose axes are the leading ones of `frames`, until it broadcasts with them."""
    return level.reshape(level.shape + (1,) * (frames.ndim - level.ndim))


class Process(ABC):
    """A family of mixtures ``noisy = alpha(level) * clean + sigma(level) * noise`` along an axis of noise levels.

    Levels are tensors whose axes are the leading axes of the frames: ``[b]`` for frames, ``[b, t]`` for clips. For
    every prediction, ``clean = c_skip * noisy + c_out * network(c_in * noisy)``:

    ============  ==================================  =============================  ================
    `prediction`  the network's output                c_skip                         c_out
    ============  ==================================  =============================  ================
    x             clean                               0                              1
    eps           noise                               1 / alpha                      -sigma / alpha
    v, VP         alpha * noise - sigma * clean       alpha                          -sigma
    v, flow       clean - noise                       1                              1 - tau
    edm           (clean - c_skip * noisy) / c_out    d^2 / (sigma^2 + d^2)          sigma * d * c_in
    ============  ==================================  =============================  ================

    with d = `sigma_data` and c_in = 1 / sqrt(sigma^2 + d^2) for edm (Karras et al. 2022, Table 1; v under VP: Salimans
    & Ho 2022). Elsewhere c_in = 1 / sqrt(alpha^2 + sigma^2): under every process, the squared factors of frame and
    noise in the network's input add up to 1, and a clean frame is left unscaled.

    Args:
        prediction: One of `predictions`.
        pure_noise: Share of the training levels at `noisiest_level`, where a sample starts.

    Raises:
        ValueError: The process does not admit the prediction, or the share lies outside [0, 1].
    """

    predictions: tuple[str, ...]
    """The predictions that the process admits."""
    advice: str
    """Advice for an error about a prediction that it does not admit."""
    clean_level: float
    noisiest_level: float
    """The level at which schedules start."""
    supports_shortcut: bool = False
    """Whether shortcut steps can be trained (Frans et al. 2025)."""

    def __init__(self, prediction: str, pure_noise: float) -> None:
        if prediction not in self.predictions:
            raise ValueError(
                f"`prediction` must be {' or '.join(self.predictions)} under {type(self).__name__}, "
                f"got {prediction!r}. {self.advice}"
            )
        if not 0 <= pure_noise <= 1:
            raise ValueError(f"`pure_noise` must lie in [0, 1], got {pure_noise}.")
        self.prediction = prediction
        self.pure_noise = pure_noise

    @abstractmethod
    def alpha(self, level: Tensor) -> Tensor:
        """Return the factor of the clean frame at each level, in any shape and precision."""

    @abstractmethod
    def sigma(self, level: Tensor) -> Tensor:
        """Return the factor of the noise at each level."""

    @abstractmethod
    def rates(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Return d alpha / d level and d sigma / d level."""

    @abstractmethod
    def level_of(self, ratio: Tensor) -> Tensor:
        """Return the level at which sigma / alpha is `ratio`; 0 gives `clean_level`."""

    @abstractmethod
    def condition(self, level: Tensor) -> Tensor:
        """Return the level as a number of order 1, for the network."""

    @abstractmethod
    def scalings(self, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return c_skip, c_out and c_in of the table above at each level."""

    @abstractmethod
    def draw_levels(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Draw training levels from the process's own distribution, without the share of pure noise."""

    @abstractmethod
    def spaced_levels(self, num_steps: int) -> Tensor:
        """Return the levels of a schedule as float64, ``[num_steps + 1]``."""

    @property
    def initial_std(self) -> float:
        """Standard deviation of the noise that a sampler starts from."""
        return self.coefficients(self.noisiest_level)[1]

    def coefficients(self, level: float) -> tuple[float, float]:
        """Return alpha and sigma at one level, computed in float64."""
        at = torch.tensor(level, dtype=torch.float64, device="cpu")
        return self.alpha(at).item(), self.sigma(at).item()

    def mix(self, clean: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """Return the noisy frames; `level` has the leading axes of `clean`."""
        return over_pixels(self.alpha(level), clean) * clean + over_pixels(self.sigma(level), clean) * noise

    def velocity(self, clean: Tensor, noisy: Tensor, level: float) -> Tensor:
        """Return d noisy / d level on the path through `noisy` to `clean`; not at the clean level."""
        alpha, sigma = self.coefficients(level)
        alpha_rate, sigma_rate = self.rates(torch.tensor(level, dtype=torch.float64, device="cpu"))
        return alpha_rate.item() * clean + (sigma_rate.item() / sigma) * (noisy - alpha * clean)

    def loss_weight(self, level: Tensor) -> Tensor:
        """Return the weight of the clean estimate's squared error: 1 / c_out^2.

        With it, the loss is the mean squared error of the network's output. It is bounded near the clean level.
        """
        return self.scalings(level)[1].abs().clamp(min=_SMALLEST_C_OUT) ** -2

    def training_levels(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Draw training levels, with a share of `pure_noise` at the noisiest level."""
        level = self.draw_levels(shape, rng)
        pure = torch.rand(shape, generator=rng, device=rng.device) < self.pure_noise
        return level.masked_fill(pure, self.noisiest_level)

    def training_noise(self, shape: tuple[int, ...], level: Tensor, rng: torch.Generator) -> Tensor:
        """Draw the noise that `mix` puts on training frames of `shape` at `level`: standard normal."""
        return torch.randn(shape, generator=rng, device=rng.device)

    def schedule(self, num_steps: int) -> list[float]:
        """Return the ``num_steps + 1`` levels that a sampler visits, noisiest first, the clean level last.

        Raises:
            ValueError: `num_steps` is below 1.
        """
        if num_steps < 1:
            raise ValueError(f"`num_sampling_steps` must be at least 1, got {num_steps}.")
        return self.spaced_levels(num_steps).tolist()
