"""The shared output layers: each pixel mixes a new colour with a copy from the frame before."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.advection import advect
from vdworld.networks.blocks import zero
from vdworld.types import Frame, PerLane


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
    ) -> None:
        super().__init__()
        self.frame_channels, self.patch, self.reach, self.copy = frame_channels, patch, reach, copy
        num_cameras, num_places = frame_channels // 3, (2 * reach + 1) ** 2
        out_channels = frame_channels + num_cameras * copy
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
            self.to_motion = nn.Conv2d(width, num_cameras * num_places, 1)
            stay = math.log(num_places) + 2.5  # so large that `sparse_softmax` cuts the others off
            self.to_motion.get_parameter("bias").data.view(num_cameras, -1)[:, num_places // 2] += stay
            last_layer.get_parameter("bias").data.view(out_channels, -1)[frame_channels:] = 3.0  # and copy
        else:
            zero(last_layer)

    def forward(self, hidden: Tensor, pixels: Tensor, before: Frame) -> tuple[Frame, PerLane | None]:
        """Return frames ``[b, c, h, w]``, and the share of each frame that is not copied in place ``[b]``, in [0, 1].

        The share is None out of training mode and without `copy`. Training should lower it where nothing moves:
        otherwise copies of an even background come from all around, and smear whatever appears there in a dream.

        Args:
            hidden: ``[b, width, h / patch, w / patch]``.
            pixels: ``[b, pixel_channels, h, w]``, the input of the thin path.
            before: The frames to copy from.
        """
        output = F.pixel_shuffle(self.to_pixels(hidden), self.patch)
        if self.thin_in is not None and self.thin_out is not None:
            output = self.thin_out(output + self.thin_in(pixels))
        if not self.copy:
            return output, None
        new, mask = output.split([self.frame_channels, self.frame_channels // 3], dim=1)
        mask, weights = saturating(mask), self._copy_weights(hidden, before)
        moved_share = None
        if self.training:
            moved_share = 1 - (mask * weights[:, :, weights.shape[2] // 2]).float().mean(dim=(1, 2, 3))
        return new + mask.repeat_interleave(3, dim=1) * (advect(before, weights, self.reach) - new), moved_share

    def _copy_weights(self, hidden: Tensor, before: Frame) -> Tensor:
        """Return the weights of the places to copy from ``[b, cameras, places, h, w]``, the same within a patch."""
        b, c, _, _ = before.shape
        weights = self.to_motion(hidden).contiguous()
        weights = sparse_softmax(weights.reshape(b, c // 3, -1, *hidden.shape[-2:]), dim=2)
        return weights.repeat_interleave(self.patch, dim=-1).repeat_interleave(self.patch, dim=-2)


def saturating(logits: Tensor) -> Tensor:
    """Return a sigmoid stretched by a tenth and clamped to [0, 1], so that it reaches 1 (Louizos et al. 2018, eq. 11).

    With a mask that only approaches 1, static objects would fade over a long dream. Gradients ignore the clamping.
    """
    soft = 1.2 * logits.sigmoid() - 0.1
    return soft + (soft.clamp(0, 1) - soft).detach()


def sparse_softmax(logits: Tensor, dim: int) -> Tensor:
    """Return softmax weights, those below 0.3% of the largest cut to 0, so that copies stay sharp.

    Gradients ignore the cut.
    """
    weights = logits.softmax(dim)
    cut = (weights - 0.003 * weights.amax(dim, keepdim=True)).relu()
    return weights + (cut / cut.sum(dim, keepdim=True) - weights).detach()


def coordinates(image_size: tuple[int, int]) -> Tensor:
    """Return every pixel's row and column in [-1, 1], ``[2, h, w]``."""
    rows, columns = (torch.linspace(-1, 1, size) for size in image_size)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
