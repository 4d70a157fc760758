"""A U-Net factorised in space and time: convolutions see single frames, attention along time connects them."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.attention import MapAttention, SpatialAttention, TemporalAttention, places
from vdworld.networks.blocks import PooledFeatures, ResidualBlock
from vdworld.networks.clip_network import ClipNetwork
from vdworld.networks.kv_cache import KVCacheWriter
from vdworld.types import StepFeatures


class VideoUNet(ClipNetwork):
    """Estimate the frames of a clip with 2-D convolutions and causal attention along time (Ho et al. 2022).

    The noise level, step size and action of a frame modulate its convolutions (adaptive group norm). Only the way down
    mixes frames, so that the way up processes just the frame that is wanted.

    Args:
        frame_channels: Channels of one frame, 3 per camera.
        image_size: Height and width; multiples of ``patch * 2^(len(widths) - 1)``.
        action_dim: Length of an encoded action.
        context_length: K, the number of past frames.
        patch: Downsampling from pixels to the first level.
        widths: Channels of the levels, each at half the resolution of the one before.
        depth: Residual blocks of a level, on the way down and again on the way up.
        coarse_depth: Residual blocks, each followed by spatial attention, at the coarsest level.
        temporal_levels: The levels with attention along time after each residual block of the way down; 0 is the
            finest, -1 the coarsest.
        head_dim: Numbers per attention head.
        thin_width: Channels of a path at full resolution; 0 for none.
        copy: Whether pixels are copied; the output is then a clean frame.
        reach: How far, in pixels per step, something can move and still be copied; 0 copies in place only. None is a
            quarter of the larger side, or 3 for kernels.
        motion: "flow", or "kernel" as in worlds of format 2 (``vdworld.networks.motion``).
        condition_dim: Length of the condition vector of a frame.
        feature_dim: Length of the features; a multiple of 16.
    """

    def __init__(
        self,
        *,
        frame_channels: int,
        image_size: tuple[int, int],
        action_dim: int,
        context_length: int = 4,
        patch: int = 2,
        widths: tuple[int, ...] = (64, 96),
        depth: int = 1,
        coarse_depth: int = 2,
        temporal_levels: tuple[int, ...] = (-1,),
        head_dim: int = 32,
        thin_width: int = 16,
        copy: bool = True,
        reach: int | None = None,
        motion: str = "flow",
        condition_dim: int = 128,
        feature_dim: int = 256,
    ) -> None:
        cell = patch * 2 ** (len(widths) - 1)
        sizes = (frame_channels, image_size, action_dim, context_length)
        dims = {"condition_dim": condition_dim, "feature_dim": feature_dim}
        super().__init__(*sizes, num_past=1, cell=cell, copy=copy, **dims)
        windows = _windows(len(widths), temporal_levels, context_length)
        self.patch_in = nn.Conv2d(self.pixel_channels, widths[0], patch, stride=patch)
        positions = places(image_size[0] // cell, image_size[1] // cell)
        self.down = nn.ModuleList(
            _Down(width, condition_dim, depth, head_dim, windows[i]) for i, width in enumerate(widths[:-1])
        )
        self.down.append(_Down(widths[-1], condition_dim, coarse_depth, head_dim, windows[-1], positions))
        steps = list(zip(widths[:-1], widths[1:], strict=True))
        self.to_coarse = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in steps)
        self.up = nn.ModuleList(_Up(fine, coarse, condition_dim, depth) for fine, coarse in steps)
        self.pool = PooledFeatures(widths[-1], feature_dim)
        self.copy_head = self.make_copy_head(widths[0], patch, thin_width, reach, motion)

    def _encode(
        self, hidden: Tensor, condition: Tensor, num_frames: int, writer: KVCacheWriter
    ) -> tuple[list[Tensor], StepFeatures]:
        maps = [self.down[0](hidden, condition, num_frames, writer)]
        for to_coarse, level in zip(self.to_coarse, self.down[1:], strict=True):
            maps.append(level(to_coarse(maps[-1]), condition, num_frames, writer))
        return maps, self.pool(maps[-1]).unflatten(0, (-1, num_frames))

    def _decode(self, maps: list[Tensor], condition: Tensor) -> Tensor:
        hidden = maps[-1]
        for level, skip in zip(reversed(self.up), reversed(maps[:-1]), strict=True):
            hidden = level(hidden, skip, condition)
        return hidden


class _Down(nn.Module):
    """One level on the way down: residual blocks, each followed by the attention of the level.

    It attends along time if its `window`, how many frames back, is not 0.
    """

    def __init__(
        self,
        width: int,
        condition_dim: int,
        depth: int,
        head_dim: int,
        window: int,
        positions: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.blocks, self.attention = nn.ModuleList(), nn.ModuleList()
        for _ in range(depth):
            self.blocks.append(ResidualBlock(width, condition_dim))
            spatial = [SpatialAttention(width, head_dim, positions)] if positions is not None else []
            kinds = spatial + ([TemporalAttention(width, head_dim, window)] if window else [])
            self.attention.append(nn.ModuleList(MapAttention(width, kind) for kind in kinds))

    def forward(self, hidden: Tensor, condition: Tensor, num_frames: int, writer: KVCacheWriter) -> Tensor:
        """Return maps of the same shape."""
        for block, attentions in zip(self.blocks, self.attention, strict=True):
            hidden = block(hidden, condition)
            for attention in attentions:  # pyright: ignore[reportGeneralTypeIssues]
                hidden = attention(hidden, num_frames, writer)
        return hidden


class _Up(nn.Module):
    """One level on the way up: doubles the resolution and adds the skip connection."""

    def __init__(self, width: int, coarse_width: int, condition_dim: int, depth: int) -> None:
        super().__init__()
        self.to_fine = nn.Conv2d(coarse_width, 4 * width, 1)
        self.blocks = nn.ModuleList(ResidualBlock(width, condition_dim) for _ in range(depth))

    def forward(self, coarse: Tensor, skip: Tensor, condition: Tensor) -> Tensor:
        """Return maps of the shape of `skip`."""
        hidden = F.pixel_shuffle(self.to_fine(coarse), 2) + skip
        for block in self.blocks:
            hidden = block(hidden, condition)
        return hidden


def _windows(num_levels: int, temporal_levels: tuple[int, ...], context_length: int) -> list[int]:
    """Return for each level how many frames back it attends along time, 0 where it does not."""
    if any(not -num_levels <= level < num_levels for level in temporal_levels):
        rule = f"lie in {-num_levels}..{num_levels - 1}, since `widths` has {num_levels} entries"
        raise ValueError(f"`temporal_levels` must {rule}, got {temporal_levels}.")
    temporal = {level % num_levels for level in temporal_levels}
    return [context_length if level in temporal else 0 for level in range(num_levels)]
