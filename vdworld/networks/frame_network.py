"""Base of the networks with a copy head: sizes, pixel inputs and condition vector."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vdworld.networks.blocks import level_embedding, stack_channels
from vdworld.networks.context import Context
from vdworld.networks.copy_head import CopyHead, coordinates
from vdworld.types import Frame, NoiseLevels

LEVEL_DIM, PAST_LEVEL_DIM, STEP_SIZE_DIM = 32, 16, 16  # numbers that embed one of each
KERNEL_REACH = 3  # pixels; kernels cost as many sums as they have places
ACTION_PLANES = 8  # constant channels beside the coordinates, so that a place can be compared with an action


class FrameNetwork(nn.Module):
    """Base of the networks that estimate a frame from its noisy version and the frames before it.

    A subclass builds its layers after this constructor and sets `copy_head` last.

    Args:
        frame_channels: Channels of one frame, 3 per camera.
        image_size: Height and width; multiples of `cell`.
        action_dim: Length of an encoded action.
        context_length: K, the number of past frames that a world passes.
        num_past: How many frames before the noisy one are part of its pixel inputs.
        cell: Pixels per place and axis of the coarsest maps.
        condition_dim: Length of the condition vector.
        feature_dim: Length of the features for reward, continuation and policies.
        copy: Whether pixels are copied; the output is then a clean frame, whatever the process would predict.

    Attributes:
        pixel_channels: Channels of the pixel inputs: frames, coordinates and action planes.

    Raises:
        ValueError: `frame_channels` is no multiple of 3, or `image_size` no multiple of `cell`.
    """

    grid: Tensor

    def __init__(
        self,
        frame_channels: int,
        image_size: tuple[int, int],
        action_dim: int,
        context_length: int,
        *,
        num_past: int,
        cell: int,
        condition_dim: int,
        feature_dim: int,
        copy: bool,
    ) -> None:
        super().__init__()
        if any(size % cell for size in image_size):
            fitting = [math.ceil(size / cell) * cell for size in image_size]
            raise ValueError(
                f"`image_size` must be a multiple of {cell} in height and width, got {image_size}. Record or import "
                f"the frames with image_size={fitting}, which resizes them."
            )
        if frame_channels % 3:
            raise ValueError(f"`frame_channels` must be a multiple of 3, 3 per camera, got {frame_channels}.")
        self.frame_channels, self.context_length, self.feature_dim = frame_channels, context_length, feature_dim
        self.predicts_clean = copy
        inputs = LEVEL_DIM + STEP_SIZE_DIM + num_past * (PAST_LEVEL_DIM + action_dim + 1)
        self.embed = nn.Sequential(
            nn.Linear(inputs, condition_dim), nn.SiLU(), nn.Linear(condition_dim, condition_dim), nn.SiLU()
        )
        self.to_planes = nn.Linear(num_past * (action_dim + 1), ACTION_PLANES)
        self.register_buffer("grid", coordinates(image_size), persistent=False)
        self.pixel_channels = (num_past + 1) * frame_channels + 2 + ACTION_PLANES

    def make_copy_head(self, width: int, patch: int, thin_width: int, reach: int | None, motion: str) -> CopyHead:
        """Return the output layers for hidden features of `width` channels at 1/`patch` of the resolution.

        Raises:
            ValueError: `reach` is negative, or larger than a frame.
        """
        sizes, side = (self.frame_channels, width, self.pixel_channels, patch), max(self.grid.shape[-2:])
        if reach is None:
            reach = side // 4 if motion == "flow" else KERNEL_REACH
        if not 0 <= reach <= side:
            raise ValueError(f"`reach` must be between 0 and the larger side of a frame, {side}, got {reach}.")
        return CopyHead(*sizes, thin_width=thin_width, copy=self.predicts_clean, reach=reach, motion=motion)

    def read_inputs(
        self, noisy: Frame, level: NoiseLevels, past: Context, step_size: NoiseLevels
    ) -> tuple[Tensor, Tensor]:
        """Return the pixel inputs ``[b, pixel_channels, h, w]`` and the condition vectors ``[b, d]``.

        Args:
            noisy: Noisy frames ``[b, c, h, w]``.
            level: Their noise levels.
            past: The `num_past` frames before each, with their levels and actions.
            step_size: How far along the levels a shortcut step goes.
        """
        action_mask = past.action_mask.to(noisy.dtype)[..., None]
        actions = torch.cat([past.actions * action_mask, action_mask], dim=-1).flatten(1)
        past_levels = level_embedding(past.level.flatten(), PAST_LEVEL_DIM).reshape(len(noisy), -1)
        levels = [level_embedding(level, LEVEL_DIM), past_levels, level_embedding(step_size, STEP_SIZE_DIM)]
        condition = self.embed(torch.cat([*levels, actions], dim=-1))
        planes = self.to_planes(actions)[:, :, None, None].expand(-1, -1, *noisy.shape[-2:])
        grid = self.grid.expand(len(noisy), -1, -1, -1).to(noisy.dtype)
        return stack_channels([past.frames.flatten(1, 2), noisy, grid, planes]), condition
