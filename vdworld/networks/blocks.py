"""Building blocks of the convolutional networks."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.types import Features


def level_embedding(level: Tensor, dim: int) -> Tensor:
    """Embed levels ``[b]`` in [0, 1] as cosines and sines ``[b, dim]`` of geometrically spaced frequencies."""
    frequencies = torch.exp(torch.linspace(0, math.log(64), dim // 2, device=level.device)) * math.pi
    phases = level[:, None] * frequencies
    return torch.cat([phases.cos(), phases.sin()], dim=-1)


def stack_channels(maps: list[Tensor]) -> Tensor:
    """Concatenate maps ``[b, *, h, w]`` along their channels, in the channels_last memory format.

    Convolutions with channels_last weights would otherwise convert every map first, which takes longer than the
    convolution itself.
    """
    return torch.cat([part.movedim(1, -1) for part in maps], dim=-1).movedim(-1, 1)


def zero(layer: nn.Conv2d) -> None:
    """Set a layer's parameters to zero, so that a residual block that ends in it begins as the identity."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions; the condition scales and shifts the features between them (adaptive group norm).

    Args:
        channels: Features in and out.
        condition_dim: Length of the condition vector.
        group_size: Channels per normalisation group.
    """

    def __init__(self, channels: int, condition_dim: int, group_size: int = 16) -> None:
        super().__init__()
        groups = max(channels // group_size, 1)
        self.norm1 = nn.GroupNorm(groups, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, channels, affine=False)
        self.modulation = nn.Linear(condition_dim, 2 * channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        zero(self.conv2)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return features of the same shape ``[b, channels, h, w]``."""
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        hidden = self.conv1(F.silu(self.norm1(features)))
        hidden = self.norm2(hidden) * (1 + scale) + shift
        return features + self.conv2(F.silu(hidden))


def attend(query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Tensor:
    """Return the attention's output for each query, of its shape and dtype.

    On a CPU it is computed in float32: in bfloat16 PyTorch's backward pass takes four times as long there.

    Args:
        query: ``[..., n, d]``, like `key` and `value`.
        key: The keys.
        value: The values.
        options: Those of ``torch.nn.functional.scaled_dot_product_attention``.
    """
    if query.device.type != "cpu" or query.dtype == torch.float64:
        return F.scaled_dot_product_attention(query, key, value, **options)
    with torch.autocast("cpu", enabled=False):
        attended = F.scaled_dot_product_attention(query.float(), key.float(), value.float(), **options)
        return attended.to(query.dtype)


class SelfAttention(nn.Module):
    """Attention among the positions of one feature map.

    Args:
        channels: Features in and out.
        num_heads: Attention heads; must divide `channels`.
        num_groups: Normalisation groups.
    """

    def __init__(self, channels: int, num_heads: int = 4, num_groups: int = 1) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f"`channels` must be a multiple of `num_heads` = {num_heads}, got {channels}.")
        self.num_heads = num_heads
        self.norm = nn.GroupNorm(num_groups, channels)
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.to_out = nn.Conv2d(channels, channels, 1)
        zero(self.to_out)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape ``[b, channels, h, w]``."""
        return features + self.attend(self.norm(features))

    def attend(self, features: Tensor) -> Tensor:
        """Return the attention's output for every position ``[b, channels, h, w]``."""
        b, c, h, w = features.shape
        qkv = self.to_qkv(features).reshape(b, 3, self.num_heads, c // self.num_heads, h * w)
        query, key, value = qkv.transpose(-1, -2).unbind(dim=1)
        attended = attend(query, key, value)
        return self.to_out(attended.transpose(-1, -2).reshape(b, c, h, w))


class PooledFeatures(nn.Module):
    """Features of a frame from its coarsest maps, pooled to 4 x 4 places so that positions still count.

    Args:
        channels: Channels of the maps.
        feature_dim: Length of the features; a multiple of 16.
    """

    def __init__(self, channels: int, feature_dim: int) -> None:
        super().__init__()
        if feature_dim % 16:
            raise ValueError(f"`feature_dim` must be a multiple of 16, got {feature_dim}.")
        self.project = nn.Conv2d(channels, feature_dim // 16, 1)

    def forward(self, maps: Tensor) -> Features:
        """Return ``[b, f]``."""
        return F.adaptive_avg_pool2d(self.project(F.silu(maps)), 4).flatten(1)
