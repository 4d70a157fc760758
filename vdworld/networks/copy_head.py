"""The shared output layers: each pixel mixes a new colour with a copy from the frame before."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.blocks import zero
from vdworld.networks.motion import make_motion
from vdworld.types import Frame, PerLane

MAX_SPREAD = 0.05  # in a range of 2; more would leave the noise of middle levels where objects are uncertain


class Painting(NamedTuple):
    """What a copy head returns.

    Args:
        frame: ``[b, c, h, w]``.
        spread: Standard deviation of the clean pixels around `frame` ``[b, cameras, h, w]``, in (0, ``MAX_SPREAD``);
            None without copies, and in older worlds.
        moved_share: The share of each frame that is not copied in place ``[b]``, in [0, 1]; None out of training mode
            and without copies. Training should lower it where nothing moves: otherwise copies of an even background
            come from all around, and smear whatever appears there in a dream.
    """

    frame: Frame
    spread: Tensor | None = None
    moved_share: PerLane | None = None


class CopyHead(nn.Module):
    """Turn hidden features at 1/`patch` of the resolution into frames.

    A thin path at full resolution keeps small objects alive. Each pixel is a mixture of a new colour and of a copy from
    the frame before, from up to `reach` pixels away, so that what moves keeps its appearance (Finn et al. 2016,
    section 3.1, dynamic neural advection). It begins close to copying in place. Without `copy` it begins at zero.

    Args:
        frame_channels: Channels of one frame, 3 per camera.
        width: Hidden channels.
        pixel_channels: Channels that the thin path reads at full resolution.
        patch: Pixels per hidden cell and axis.
        thin_width: Channels of the thin path; 0 for none.
        copy: Whether pixels are copied; the output is then a clean frame.
        reach: How far, in pixels per step, something can move and still be copied; 0 copies in place only.
        motion: "flow" or "kernel", how pixels move (``vdworld.networks.motion``).
    """

    def __init__(
        self,
        frame_channels: int,
        width: int,
        pixel_channels: int,
        patch: int,
        *,
        thin_width: int,
        copy: bool,
        reach: int,
        motion: str = "flow",
    ) -> None:
        super().__init__()
        self.frame_channels, self.patch, self.copy = frame_channels, patch, copy
        self.motion, self.has_spread = make_motion(motion, reach), copy and motion == "flow"
        num_cameras = frame_channels // 3
        self.out_channels = [frame_channels, num_cameras * copy, num_cameras * self.has_spread]  # colour, mask, spread
        out_channels = sum(self.out_channels)
        self.thin_in = self.thin_out = None
        if thin_width:
            self.thin_in = nn.Conv2d(pixel_channels, thin_width, 3, padding=1)
            self.to_pixels = nn.Conv2d(width, thin_width * patch**2, 1)
            last_layer = nn.Conv2d(thin_width, out_channels, 3, padding=1)
            between = nn.Conv2d(thin_width, thin_width, 3, padding=1)
            self.thin_out = nn.Sequential(nn.SiLU(), between, nn.SiLU(), last_layer)
        else:
            self.to_pixels = last_layer = nn.Conv2d(width, out_channels * patch**2, 1)
        self.edge_layers: list[nn.Module] = [last_layer] if self.thin_in is None else [self.thin_in, last_layer]
        if copy:
            self.to_motion = nn.Conv2d(width, num_cameras * self.motion.num_channels, 1)
            self.motion.begin_in_place(self.to_motion)
            mask_bias = last_layer.get_parameter("bias").data.view(out_channels, -1)[frame_channels:]
            mask_bias[:num_cameras] = 3.0  # and copy
        else:
            zero(last_layer)

    def forward(self, hidden: Tensor, pixels: Tensor, before: Frame) -> Painting:
        """Return frames, their spread and their moved share.

        Args:
            hidden: ``[b, width, h / patch, w / patch]``.
            pixels: ``[b, pixel_channels, h, w]``, the input of the thin path.
            before: The frames to copy from.
        """
        output = F.pixel_shuffle(self.to_pixels(hidden), self.patch)
        if self.thin_in is not None and self.thin_out is not None:
            output = self.thin_out(output + self.thin_in(pixels))
        if not self.copy:
            return Painting(output)
        new, mask, spread = output.split(self.out_channels, dim=1)
        moved, in_place = self.motion(self.to_motion(hidden), before, self.patch)
        mask, moved_share = saturating(mask), None
        if self.training:
            moved_share = 1 - (mask * in_place).float().mean(dim=(1, 2, 3))
        frame = new + mask.repeat_interleave(3, dim=1) * (moved - new)
        return Painting(frame, MAX_SPREAD * spread.float().sigmoid() if self.has_spread else None, moved_share)


def saturating(logits: Tensor) -> Tensor:
    """Return a sigmoid stretched by a tenth and clamped to [0, 1], so that it reaches 1 (Louizos et al. 2018, eq. 11).

    With a mask that only approaches 1, static objects would fade over a long dream. Gradients ignore the clamping.
    """
    soft = 1.2 * logits.sigmoid() - 0.1
    return soft + (soft.clamp(0, 1) - soft).detach()


def coordinates(image_size: tuple[int, int]) -> Tensor:
    """Return every pixel's row and column in [-1, 1], ``[2, h, w]``."""
    rows, columns = (torch.linspace(-1, 1, size) for size in image_size)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
