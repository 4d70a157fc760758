"""A small U-Net over frames stacked on channels: the cheapest step, with a memory of a few frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.blocks import PooledFeatures, ResidualBlock, SelfAttention, level_embedding, stack_channels
from vdworld.networks.context import Context
from vdworld.networks.copy_head import CopyHead, coordinates
from vdworld.networks.network import Prediction
from vdworld.types import Features, Frame, NoiseLevels

LEVEL_DIM, CONTEXT_LEVEL_DIM, STEP_SIZE_DIM = 32, 16, 16  # numbers that embed one of each
ACTION_PLANES = 8  # constant channels beside the coordinates, so that a place can be compared with an action


class StackedUNet(nn.Module):
    """Estimate the clean next frame from a noisy one, the last K frames and their actions.

    A thin path at full resolution keeps small objects alive around an hourglass that works at 1/`patch` and
    1/(2 `patch`) of the resolution, with attention at the coarsest level alone. Each pixel of the output is a mixture
    of a new colour and of a copy out of the last frame, from up to `reach` pixels away, so that what moves keeps its
    looks (Finn et al. 2016, section 3.1, dynamic neural advection). It starts close to copying in place: all training
    goes into what changes. Without `copy` the output may be anything a process predicts, and starts at zero.

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
        thin_width: Channels of the full-resolution path; 0 for none.
        copy: Whether pixels are copied; the output is then a clean frame, whatever the process would predict.
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
        copy: bool = True,
        reach: int = 3,
        condition_dim: int = 128,
        feature_dim: int = 256,
    ) -> None:
        super().__init__()
        if any(size % (2 * patch) for size in image_size):
            raise ValueError(f"`image_size` must be a multiple of {2 * patch} in height and width, got {image_size}.")
        if frame_channels % 3:
            raise ValueError(f"`frame_channels` must be a multiple of 3, 3 per camera, got {frame_channels}.")
        self.frame_channels, self.context_length, self.feature_dim = frame_channels, context_length, feature_dim
        self.predicts_clean = copy
        told = LEVEL_DIM + STEP_SIZE_DIM + context_length * (CONTEXT_LEVEL_DIM + action_dim + 1)
        self.embed = nn.Sequential(
            nn.Linear(told, condition_dim), nn.SiLU(), nn.Linear(condition_dim, condition_dim), nn.SiLU()
        )
        self.to_planes = nn.Linear(context_length * (action_dim + 1), ACTION_PLANES)
        self.register_buffer("grid", coordinates(image_size), persistent=False)
        stacked = (context_length + 1) * frame_channels + 2 + ACTION_PLANES
        self.down_in = nn.Conv2d(stacked, width, patch, stride=patch)
        self.down = nn.ModuleList(ResidualBlock(width, condition_dim) for _ in range(depth))
        self.to_coarse = nn.Conv2d(width, coarse_width, 2, stride=2)
        self.coarse = nn.ModuleList(ResidualBlock(coarse_width, condition_dim) for _ in range(coarse_depth))
        self.attention = nn.ModuleList(SelfAttention(coarse_width) for _ in range(coarse_depth))
        self.pool = PooledFeatures(coarse_width, feature_dim)
        self.to_fine = nn.Conv2d(coarse_width, 4 * width, 1)
        self.up = nn.ModuleList(ResidualBlock(width, condition_dim) for _ in range(depth))
        self.copy_head = CopyHead(frame_channels, width, stacked, patch, thin_width=thin_width, copy=copy, reach=reach)

    @property
    def edge_layers(self) -> list[nn.Module]:
        """The layers at the pixels, which an optimiser made for hidden layers should leave alone."""
        readers = [self.down_in] if self.copy_head.thin_in is None else []
        return readers + self.copy_head.edge_layers

    def forward(self, noisy: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels) -> Prediction:
        """Return the frame that the process predicts and the features ``[b, f]`` of the transition into it.

        Args:
            noisy: Scaled by the process.
            level: Its noise level, as a number of order 1.
            context: The past, likewise.
            step_size: How far along the levels a shortcut model is to go, in [0, 1]; 0 for all others.
        """
        stacked, condition, skip, coarse = self._encode(noisy, level, context, step_size)
        hidden = F.pixel_shuffle(self.to_fine(coarse), 2) + skip
        for block in self.up:
            hidden = block(hidden, condition)
        frame, moved_share = self.copy_head(hidden, stacked, context.frames[:, -1])
        return Prediction(frame, self.pool(coarse), moved_share)

    def commit(
        self, frame: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels
    ) -> tuple[Features, None]:
        """Return the features of the transition into a frame, for half the price; there is nothing to remember."""
        return self.pool(self._encode(frame, level, context, step_size)[-1]), None

    def _encode(
        self, noisy: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        action_mask = context.action_mask.to(noisy.dtype)[..., None]
        actions = torch.cat([context.actions * action_mask, action_mask], dim=-1).flatten(1)
        context_levels = level_embedding(context.level.flatten(), CONTEXT_LEVEL_DIM).reshape(len(noisy), -1)
        levels = [level_embedding(level, LEVEL_DIM), context_levels, level_embedding(step_size, STEP_SIZE_DIM)]
        condition = self.embed(torch.cat([*levels, actions], dim=-1))
        planes = self.to_planes(actions)[:, :, None, None].expand(-1, -1, *noisy.shape[-2:])
        grid = self.grid.expand(len(noisy), -1, -1, -1).to(noisy.dtype)
        stacked = stack_channels([context.frames.flatten(1, 2), noisy, grid, planes])
        hidden = self.down_in(stacked)
        for block in self.down:
            hidden = block(hidden, condition)
        coarse = self.to_coarse(hidden)
        for block, attention in zip(self.coarse, self.attention, strict=True):
            coarse = attention(block(coarse, condition))
        return stacked, condition, hidden, coarse
