"""How a policy reads observations: convolutions for pictures, a running scale for numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

EYE_CHANNELS = (1 / 8, 1 / 4, 1 / 4, 1 / 4)  # of each convolution, as a share of the network's width


def eyes(num_channels: int, image_size: tuple[int, int], hidden_dim: int) -> nn.Sequential:
    """Build convolutions that halve the picture until its shorter side is at most 7 pixels.

    Their channels grow with the width of the network: 32, 64, 64, 64 at 256.

    Weights are orthogonal: with torch's own choice, pictures fade behind the biases.

    Raises:
        ValueError: Pictures of less than 2 x 2 pixels.
    """
    if min(image_size) < 2:
        raise ValueError(f"`image_size` must be at least 2 x 2 pixels, got {image_size}.")
    height, width = image_size
    layers: list[nn.Module] = []
    for i in range(max(int(math.log2(min(image_size) / 4)), 1)):
        channels = max(round(EYE_CHANNELS[min(i, len(EYE_CHANNELS) - 1)] * hidden_dim), 8)
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
    """Bring numbers to mean 0 and deviation 1, and say which of them are known.

    Args:
        size: How many there are.
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
        """Turn ``[..., d]`` into ``[..., 2 d]``: scaled to at most 5 in size, 0 if NaN, then 1 for those known."""
        known = readings.isfinite()
        deviation = torch.where(self.count > 1, self.square.sqrt().clamp(min=1e-6), torch.ones_like(self.square))
        scaled = ((readings - self.mean) / deviation).clamp(-5, 5)
        return torch.cat([torch.where(known, scaled, torch.zeros_like(scaled)), known.to(scaled)], dim=-1)

    @torch.no_grad()
    def update(self, readings: Tensor) -> None:
        """Take in numbers ``[..., d]``, the mean and deviation of all so far (Chan et al. 1983)."""
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
