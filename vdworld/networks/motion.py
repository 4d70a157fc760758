"""Where the copied pixels of a frame come from: a displacement each, or in older worlds a kernel of weights."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.advection import advect, advect_by_kernels
from vdworld.networks.blocks import zero
from vdworld.types import Frame

MOTIONS = ("flow", "kernel")
"""How pixels can be copied; "kernel" is that of worlds of format 2."""


@runtime_checkable
class Motion(Protocol):
    """Moves pixels of a frame; what it reads is computed from hidden features by a 1x1 convolution."""

    @property
    def num_channels(self) -> int:
        """Channels that it reads per camera."""
        ...

    def begin_in_place(self, layer: nn.Conv2d) -> None:
        """Set the layer's initial weights so that all pixels are copied in place, exactly or nearly."""
        ...

    def __call__(self, output: Tensor, before: Frame, patch: int) -> tuple[Frame, Tensor]:
        """Return the moved frame, and how far each pixel is copied in place ``[b, cameras, h, w]``, in [0, 1].

        Args:
            output: What it reads ``[b, cameras * num_channels, h / patch, w / patch]``.
            before: The frame to copy from ``[b, c, h, w]``.
            patch: Pixels per place and axis.
        """
        ...


class FlowMotion:
    """Every pixel comes from one place, up to `reach` pixels away per axis, with cubic interpolation.

    Displacements are interpolated between the places of the hidden features.

    Args:
        reach: The largest displacement in pixels; 0 copies in place only.
    """

    num_channels = 2

    def __init__(self, reach: int) -> None:
        self.reach = reach

    def begin_in_place(self, layer: nn.Conv2d) -> None:
        """Set the layer to zero: nothing moves."""
        zero(layer)

    def __call__(self, output: Tensor, before: Frame, patch: int) -> tuple[Frame, Tensor]:
        """Return the moved frame and the share in place, which is 2% one pixel away."""
        displacement = self.reach * torch.tanh(output.float() / max(self.reach, 1))
        if patch > 1:
            displacement = F.interpolate(displacement, scale_factor=patch, mode="bilinear")
        displacement = displacement.unflatten(1, (-1, 2))
        return advect(before, displacement), torch.exp(-4 * displacement.square().sum(dim=2))


class KernelMotion:
    """Every pixel is a weighted mean of the pixels around it, up to `reach` away, with softmax weights.

    A mean of pixels blurs whatever moves by part of a pixel, a little with every step of a dream.

    Args:
        reach: The largest offset in pixels; 0 copies in place only.
    """

    def __init__(self, reach: int) -> None:
        self.reach = reach

    @property
    def num_channels(self) -> int:
        """The number of places around a pixel."""
        return (2 * self.reach + 1) ** 2

    def begin_in_place(self, layer: nn.Conv2d) -> None:
        """Raise the bias of the place in the middle, so far that `sparse_softmax` cuts the others off."""
        bias = layer.get_parameter("bias").data.view(-1, self.num_channels)
        bias[:, self.num_channels // 2] += math.log(self.num_channels) + 2.5

    def __call__(self, output: Tensor, before: Frame, patch: int) -> tuple[Frame, Tensor]:
        """Return the moved frame and the weight of the place in the middle; weights are the same within a patch."""
        weights = sparse_softmax(output.contiguous().unflatten(1, (-1, self.num_channels)), dim=2)
        weights = weights.repeat_interleave(patch, dim=-1).repeat_interleave(patch, dim=-2)
        return advect_by_kernels(before, weights, self.reach), weights[:, :, self.num_channels // 2]


def make_motion(name: str, reach: int) -> Motion:
    """Return the motion of this name.

    Raises:
        ValueError: There is none.
    """
    if name not in MOTIONS:
        raise ValueError(f"`motion` must be {' or '.join(MOTIONS)}, got {name!r}.")
    return FlowMotion(reach) if name == "flow" else KernelMotion(reach)


def sparse_softmax(logits: Tensor, dim: int) -> Tensor:
    """Return softmax weights, those below 0.3% of the largest cut to 0, so that copies stay sharp.

    Gradients ignore the cut.
    """
    weights = logits.softmax(dim)
    cut = (weights - 0.003 * weights.amax(dim, keepdim=True)).relu()
    return weights + (cut / cut.sum(dim, keepdim=True) - weights).detach()
