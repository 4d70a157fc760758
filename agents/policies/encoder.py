"""How a policy reads observations: convolutions for pictures, running statistics for readings."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

CHANNEL_SHARES = (1 / 8, 1 / 4, 1 / 4, 1 / 4)  # channels of each convolution, as a share of `hidden_dim`


def image_encoder(num_channels: int, image_size: tuple[int, int], hidden_dim: int) -> nn.Sequential:
    """Build convolutions that halve the picture until its shorter side is at most 7 pixels, then a linear layer.

    The number of channels grows with `hidden_dim`: 32, 64, 64, 64 at 256.

    Weights are initialised orthogonally: under torch's default, the biases drown the picture.

    Args:
        num_channels: Channels of a picture.
        image_size: Its height and width.
        hidden_dim: Number of features per picture.

    Raises:
        ValueError: Pictures smaller than 2 x 2 pixels.
    """
    if min(image_size) < 2:
        raise ValueError(f"`image_size` must be at least 2 x 2 pixels, got {image_size}.")
    height, width = image_size
    layers: list[nn.Module] = []
    for i in range(max(int(math.log2(min(image_size) / 4)), 1)):
        channels = max(round(CHANNEL_SHARES[min(i, len(CHANNEL_SHARES) - 1)] * hidden_dim), 8)
        layers += [nn.Conv2d(num_channels, channels, 4, stride=2, padding=1), nn.SiLU()]
        num_channels, height, width = channels, height // 2, width // 2
    flat = num_channels * height * width
    layers += [nn.Flatten(), nn.Linear(flat, hidden_dim), nn.LayerNorm(hidden_dim), nn.SiLU()]
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.orthogonal_(layer.weight, math.sqrt(2))
            nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
    return nn.Sequential(*layers)


class RunningScale(nn.Module):
    """Normalise numbers to mean 0 and standard deviation 1, and mark which of them are known.

    Args:
        size: How many numbers there are.
    """

    count: Tensor
    mean: Tensor
    square: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(size))
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("square", torch.zeros(size))  # mean squared distance from the mean

    def forward(self, readings: Tensor) -> Tensor:
        """Map ``[..., d]`` to ``[..., 2 d]``: normalised numbers clipped to [-5, 5] (0 for NaN), then 1 where known."""
        known = readings.isfinite()
        deviation = torch.where(self.count > 1, self.square.sqrt().clamp(min=1e-6), torch.ones_like(self.square))
        scaled = ((readings - self.mean) / deviation).clamp(-5, 5)
        return torch.cat([torch.where(known, scaled, torch.zeros_like(scaled)), known.to(scaled)], dim=-1)

    @torch.no_grad()
    def update(self, readings: Tensor) -> None:
        """Add numbers ``[..., d]`` to the running mean and deviation (Chan et al. 1983)."""
        rows = readings.flatten(0, -2)
        known = rows.isfinite()
        count = known.sum(dim=0)
        clean = torch.where(known, rows, torch.zeros_like(rows))
        mean = clean.sum(dim=0) / count.clamp(min=1)
        square = (torch.where(known, rows - mean, torch.zeros_like(rows)).square().sum(dim=0)) / count.clamp(min=1)
        total = (self.count + count).clamp(min=1)
        share, shift = count / total, mean - self.mean
        self.square.copy_((1 - share) * self.square + share * square + share * (1 - share) * shift.square())
        self.mean.add_(share * shift)
        self.count.add_(count)
