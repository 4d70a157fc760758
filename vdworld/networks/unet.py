"""A small U-Net over frames stacked on channels: the cheapest step, with a memory of a few frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.advection import copy_around
from vdworld.networks.blocks import ResidualBlock, SelfAttention, level_embedding
from vdworld.networks.context import Context
from vdworld.types import Features, Frame, NoiseLevels

ACTION_PLANES = 8  # constant channels beside the coordinates, so that a place can be compared with an action


class StackedUNet(nn.Module):
    """Estimate the clean next frame from a noisy one, the last K frames and their actions.

    A thin path at full resolution keeps small objects alive around an hourglass that works at 1/`patch` and
    1/(2 `patch`) of the resolution, with attention at the coarsest level alone. Each pixel of the output is a mixture
    of a new colour and of a copy out of the last frame, from up to `reach` pixels away, so that what moves keeps its
    looks (Finn et al. 2016, section 3.1, dynamic neural advection). It starts close to copying in place: all training
    goes into what changes.

    Args:
        frame_channels: Channels of one frame (3 per camera).
        image_size: Height and width; multiples of ``2 * patch``.
        action_dim: Length of an encoded action.
        context_length: K, the number of past frames.
        patch: Downsampling from pixels to the first level of the hourglass.
        width: Channels of the first level.
        depth: Residual blocks on each way of the first level.
        coarse_width: Channels of the coarsest level.
        coarse_depth: Residual blocks, each followed by attention, at the coarsest level.
        thin_width: Channels of the full-resolution path.
        reach: How far, in pixels and steps, something can move and still be copied; 0 copies in place alone.
        condition_dim: Length of the condition vector.
        feature_dim: Length of the features for reward, continuation and policies; a multiple of 16.
    """

    grid: Tensor

    def __init__(
        self,
        *,
        frame_channels: int,
        image_size: tuple[int, int],
        action_dim: int,
        context_length: int = 4,
        patch: int = 2,
        width: int = 64,
        depth: int = 2,
        coarse_width: int = 96,
        coarse_depth: int = 2,
        thin_width: int = 16,
        reach: int = 3,
        condition_dim: int = 128,
        feature_dim: int = 256,
    ) -> None:
        super().__init__()
        if any(size % (2 * patch) for size in image_size):
            raise ValueError(f"`image_size` must be a multiple of {2 * patch} in height and width, got {image_size}.")
        if frame_channels % 3:
            raise ValueError(f"`frame_channels` must be a multiple of 3, 3 per camera, got {frame_channels}.")
        if feature_dim % 16:
            raise ValueError(f"`feature_dim` must be a multiple of 16, got {feature_dim}.")
        self.frame_channels, self.context_length, self.feature_dim = frame_channels, context_length, feature_dim
        stacked = (context_length + 1) * frame_channels
        self.embed = nn.Sequential(
            nn.Linear(2 * 32 + context_length * (action_dim + 1), condition_dim),
            nn.SiLU(),
            nn.Linear(condition_dim, condition_dim),
            nn.SiLU(),
        )
        self.to_planes = nn.Linear(context_length * (action_dim + 1), ACTION_PLANES)
        self.thin_in = nn.Conv2d(stacked + 2 + ACTION_PLANES, thin_width, 3, padding=1)
        self.down_in = nn.Conv2d(stacked + 2 + ACTION_PLANES, width, patch, stride=patch)
        self.down = nn.ModuleList(ResidualBlock(width, condition_dim) for _ in range(depth))
        self.to_coarse = nn.Conv2d(width, coarse_width, 2, stride=2)
        self.coarse = nn.ModuleList(ResidualBlock(coarse_width, condition_dim) for _ in range(coarse_depth))
        self.attention = nn.ModuleList(SelfAttention(coarse_width) for _ in range(coarse_depth))
        self.to_features = nn.Conv2d(coarse_width, feature_dim // 16, 1)
        self.to_fine = nn.Conv2d(coarse_width, 4 * width, 1)
        self.up = nn.ModuleList(ResidualBlock(width, condition_dim) for _ in range(depth))
        self.up_out = nn.Conv2d(width, thin_width * patch**2, 1)
        self.patch, self.reach = patch, reach
        num_cameras, num_places = frame_channels // 3, (2 * reach + 1) ** 2
        self.to_motion = nn.Conv2d(width, num_cameras * num_places, 1)
        self.thin_out = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(thin_width, thin_width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(thin_width, frame_channels + num_cameras, 3, padding=1),
        )
        rows, columns = (torch.linspace(-1, 1, size) for size in image_size)
        grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
        self.register_buffer("grid", grid, persistent=False)
        self.to_motion.get_parameter("bias").data.view(num_cameras, -1)[:, num_places // 2] += 6.0  # stay in place
        self.thin_out.get_parameter("3.bias").data[frame_channels:] = 2.0  # and copy

    def forward(self, noisy: Frame, level: NoiseLevels, context: Context) -> tuple[Frame, Features]:
        """Return the expected clean frame in about [-1, 1] and the features ``[b, f]`` of the transition into it."""
        stacked, condition, skip, coarse = self._encode(noisy, level, context)
        hidden = F.pixel_shuffle(self.to_fine(coarse), 2) + skip
        for block in self.up:
            hidden = block(hidden, condition)
        copied = self._copy(hidden, context.frames[:, -1])
        hidden = F.pixel_shuffle(self.up_out(hidden), self.patch) + self.thin_in(stacked)
        new, mask = self.thin_out(hidden).split([self.frame_channels, self.frame_channels // 3], dim=1)
        mask = mask.sigmoid().repeat_interleave(3, dim=1)
        return new + mask * (copied - new), self._pool(coarse)

    @property
    def edge_layers(self) -> list[nn.Module]:
        """The layers at the pixels, which an optimiser made for hidden layers should leave alone."""
        return [self.thin_in, self.thin_out[-1]]

    def features(self, frame: Frame, level: NoiseLevels, context: Context) -> Features:
        """Return the features alone: the cheap half of the network."""
        return self._pool(self._encode(frame, level, context)[-1])

    def _encode(self, noisy: Frame, level: NoiseLevels, context: Context) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        stacked = torch.cat([context.frames.flatten(1, 2), noisy], dim=1)
        known = context.known.to(noisy.dtype)[..., None]
        actions = torch.cat([context.actions * known, known], dim=-1).flatten(1)
        levels = [level_embedding(level, 32), level_embedding(context.level, 32)]
        condition = self.embed(torch.cat([*levels, actions], dim=-1))
        planes = self.to_planes(actions)[:, :, None, None].expand(-1, -1, *noisy.shape[-2:])
        stacked = torch.cat([stacked, self.grid.expand(len(noisy), -1, -1, -1).to(noisy.dtype), planes], dim=1)
        hidden = self.down_in(stacked)
        for block in self.down:
            hidden = block(hidden, condition)
        coarse = self.to_coarse(hidden)
        for block, attention in zip(self.coarse, self.attention, strict=True):
            coarse = attention(block(coarse, condition))
        return stacked, condition, hidden, coarse

    def _copy(self, hidden: Tensor, last: Frame) -> Frame:
        """Copy the last frame from around every place; pixels of one patch move together."""
        b, c, _, _ = last.shape
        weights = self.to_motion(hidden).contiguous()
        weights = weights.reshape(b, c // 3, -1, *hidden.shape[-2:]).softmax(dim=2)
        weights = weights.repeat_interleave(self.patch, dim=-1).repeat_interleave(self.patch, dim=-2)
        return copy_around(last, weights, self.reach)

    def _pool(self, coarse: Tensor) -> Features:
        return F.adaptive_avg_pool2d(self.to_features(F.silu(coarse)), 4).flatten(1)
