"""DIAMOND's denoising network, for comparison under the same process and training."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.blocks import PooledFeatures, SelfAttention
from vdworld.networks.context import Context
from vdworld.networks.network import Prediction
from vdworld.types import Features, Frame, NoiseLevels

GROUP_SIZE, HEAD_DIM = 32, 8  # channels per normalisation group, numbers per attention head


class DiamondUNet(nn.Module):
    """The network of DIAMOND (Alonso et al. 2024), layer for layer and initialised as in its authors' code.

    It is designed for ``EDM(prediction="edm")``. This library's interface adds a projection of the middle features for
    reward and continuation, and a step size. The step size and the levels of the context are ignored. A null action is
    the zero action.

    Args:
        frame_channels: Channels of one frame.
        image_size: Height and width, any; maps are padded to multiples of ``2^(num_levels - 1)`` inside.
        action_dim: Length of an encoded action; one-hot actions get one embedding each.
        context_length: K, the number of past frames; divides `condition_dim`.
        width: Channels of every level.
        num_levels: Resolutions, each half the one before.
        depth: Residual blocks per level on the way down; one more on the way up.
        condition_dim: Length of the condition vector.
        sigma_data: Standard deviation that context frames are divided by.
        feature_dim: Length of the features for reward, continuation and policies; a multiple of 16.
    """

    frequencies: Tensor
    predicts_clean = False

    def __init__(
        self,
        *,
        frame_channels: int,
        image_size: tuple[int, int],
        action_dim: int,
        context_length: int = 4,
        width: int = 64,
        num_levels: int = 4,
        depth: int = 2,
        condition_dim: int = 256,
        sigma_data: float = 0.5,
        feature_dim: int = 256,
    ) -> None:
        super().__init__()
        if condition_dim % context_length or condition_dim % 2:
            rule = f"be even and a multiple of `context_length` = {context_length}"
            raise ValueError(f"`condition_dim` must {rule}, got {condition_dim}.")
        self.frame_channels, self.context_length, self.feature_dim = frame_channels, context_length, feature_dim
        self.sigma_data, self.cell = sigma_data, 2 ** (num_levels - 1)
        self.register_buffer("frequencies", torch.randn(condition_dim // 2))
        self.embed_action = nn.Linear(action_dim, condition_dim // context_length, bias=False)
        nn.init.normal_(self.embed_action.weight)  # as embeddings are
        self.embed = nn.Sequential(
            nn.Linear(condition_dim, condition_dim), nn.SiLU(), nn.Linear(condition_dim, condition_dim)
        )
        self.conv_in = nn.Conv2d((context_length + 1) * frame_channels, width, 3, padding=1)
        one, two = (width, width, condition_dim), (2 * width, width, condition_dim)
        self.down = nn.ModuleList(_Blocks(_Block(*one) for _ in range(depth)) for _ in range(num_levels))
        self.middle = _Blocks(_Block(*one, attention=True) for _ in range(2))
        self.up = nn.ModuleList(_Blocks(_Block(*two) for _ in range(depth + 1)) for _ in range(num_levels))
        self.downsample = nn.ModuleList(nn.Conv2d(width, width, 3, 2, padding=1) for _ in range(num_levels - 1))
        self.upsample = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(num_levels - 1))
        for layer in self.downsample:
            nn.init.orthogonal_(layer.get_parameter("weight"))
        self.norm_out = nn.GroupNorm(_num_groups(width), width)
        self.conv_out = nn.Conv2d(width, frame_channels, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)
        self.pool = PooledFeatures(width, feature_dim)

    @property
    def edge_layers(self) -> list[nn.Module]:
        """The input and output layers, which an optimiser for hidden layers should skip."""
        return [self.conv_in, self.conv_out]

    def forward(self, noisy: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels) -> Prediction:
        """Return the prediction for the frame after the context.

        Args:
            noisy: Scaled by the process.
            level: Its noise level, as a number of order 1.
            context: The past, unscaled.
            step_size: Ignored.
        """
        condition, skips, hidden = self._encode(noisy, level, context)
        features = self.pool(hidden)
        for i, blocks in enumerate(self.up):
            skip = skips.pop()
            if i:
                hidden = self.upsample[i - 1](F.interpolate(hidden, scale_factor=2.0, mode="nearest"))
            hidden = blocks(hidden, condition, skip)[-1]
        height, width = noisy.shape[-2:]
        hidden = self.norm_out(hidden[..., :height, :width])
        return Prediction(self.conv_out(F.silu(hidden)), features)

    def commit(
        self, frame: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels
    ) -> tuple[Features, None]:
        """Return the features of the transition into a frame, at about half the cost; there is no cache."""
        return self.pool(self._encode(frame, level, context)[-1]), None

    def _encode(self, noisy: Frame, level: NoiseLevels, context: Context) -> tuple[Tensor, list[list[Tensor]], Tensor]:
        """Return the condition, each level's maps on the way down, and those of the middle."""
        phases = 2 * math.pi * level[:, None] * self.frequencies
        actions = self.embed_action(context.actions * context.action_mask.to(noisy.dtype)[..., None]).flatten(1)
        condition = self.embed(torch.cat([phases.cos(), phases.sin()], dim=-1) + actions)
        stacked = torch.cat([(context.frames / self.sigma_data).flatten(1, 2), noisy], dim=1)
        hidden = self.conv_in(stacked)
        height, width = noisy.shape[-2:]
        hidden = F.pad(hidden, (0, -width % self.cell, 0, -height % self.cell))
        skips: list[list[Tensor]] = []
        for i, blocks in enumerate(self.down):
            hidden = self.downsample[i - 1](hidden) if i else hidden
            skips.append([hidden, *blocks(hidden, condition)])
            hidden = skips[-1][-1]
        return condition, skips, self.middle(hidden, condition)[-1]


def _num_groups(channels: int) -> int:
    return max(channels // GROUP_SIZE, 1)


class _Blocks(nn.ModuleList):
    """Consecutive residual blocks, each with a skip connection if there are `skips`."""

    def forward(self, hidden: Tensor, condition: Tensor, skips: list[Tensor] | None = None) -> list[Tensor]:
        """Return the maps after each block; `skips` are used from the last to the first."""
        maps = []
        for i, block in enumerate(self):
            hidden = block(hidden if skips is None else torch.cat([hidden, skips[-1 - i]], dim=1), condition)
            maps.append(hidden)
        return maps


class _AdaptiveNorm(nn.Module):
    """Group norm that the condition scales and shifts."""

    def __init__(self, channels: int, condition_dim: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_num_groups(channels), channels, affine=False)
        self.modulation = nn.Linear(condition_dim, 2 * channels)

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """Return maps of the same shape."""
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        return self.norm(maps) * (1 + scale) + shift


class _Block(nn.Module):
    """Two convolutions behind adaptive norms, with optional attention."""

    def __init__(self, channels_in: int, channels: int, condition_dim: int, attention: bool = False) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels_in, channels, 1) if channels_in != channels else nn.Identity()
        self.norm1 = _AdaptiveNorm(channels_in, condition_dim)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.norm2 = _AdaptiveNorm(channels, condition_dim)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.attention = nn.Identity()
        if attention:
            self.attention = _Attention(channels, max(channels // HEAD_DIM, 1), _num_groups(channels))
        nn.init.zeros_(self.conv2.weight)

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """Return ``[b, channels, h, w]``."""
        hidden = self.conv1(F.silu(self.norm1(maps, condition)))
        hidden = self.conv2(F.silu(self.norm2(hidden, condition)))
        return self.attention(hidden + self.project(maps))


class _Attention(SelfAttention):
    """Attention whose residual is the normalised input, as in DIAMOND's code."""

    def forward(self, features: Tensor) -> Tensor:
        """Return maps of the same shape."""
        features = self.norm(features)
        return features + self.attend(features)
