"""A small U-Net over frames stacked on channels: the cheapest step, with a context of a few frames."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.blocks import PooledFeatures, ResidualBlock, SelfAttention
from vdworld.networks.context import Context
from vdworld.networks.frame_network import FrameNetwork
from vdworld.networks.network import Prediction
from vdworld.types import Features, Frame, NoiseLevels


class StackedUNet(FrameNetwork):
    """Estimate the clean next frame from a noisy one, the last K frames and their actions.

    A thin path at full resolution keeps small objects alive around an hourglass that works at 1/`patch` and
    1/(2 `patch`) of the resolution, with attention only at the coarsest level. Each pixel of the output is a mixture
    of a new colour and of a copy from the last frame, from up to `reach` pixels away, so that what moves keeps its
    appearance (Finn et al. 2016, section 3.1, dynamic neural advection). It begins close to copying in place, so that
    training concentrates on what changes. Without `copy` the output may be whatever a process predicts, and begins at
    zero.

    Args:
        frame_channels: Channels of one frame (3 per camera).
        image_size: Height and width; multiples of ``2 * patch``.
        action_dim: Length of an encoded action.
        context_length: K, the number of past frames.
        patch: Downsampling from pixels to the first level of the hourglass.
        width: Channels of the first level.
        depth: Residual blocks of the first level, on the way down and again on the way up.
        coarse_width: Channels of the coarsest level.
        coarse_depth: Residual blocks, each followed by attention, at the coarsest level.
        thin_width: Channels of the full-resolution path; 0 for none.
        copy: Whether pixels are copied; the output is then a clean frame, whatever the process would predict.
        reach: How far, in pixels per step, something can move and still be copied; 0 copies in place only. None is a
            quarter of the larger side, or 3 for kernels.
        motion: "flow", or "kernel" as in worlds of format 2 (``vdworld.networks.motion``).
        condition_dim: Length of the condition vector.
        feature_dim: Length of the features for reward, continuation and policies; a multiple of 16.
    """

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
        reach: int | None = None,
        motion: str = "flow",
        condition_dim: int = 128,
        feature_dim: int = 256,
    ) -> None:
        sizes = (frame_channels, image_size, action_dim, context_length)
        dims = {"condition_dim": condition_dim, "feature_dim": feature_dim}
        super().__init__(*sizes, num_past=context_length, cell=2 * patch, copy=copy, **dims)
        self.down_in = nn.Conv2d(self.pixel_channels, width, patch, stride=patch)
        self.down = nn.ModuleList(ResidualBlock(width, condition_dim) for _ in range(depth))
        self.to_coarse = nn.Conv2d(width, coarse_width, 2, stride=2)
        self.coarse = nn.ModuleList(ResidualBlock(coarse_width, condition_dim) for _ in range(coarse_depth))
        self.attention = nn.ModuleList(SelfAttention(coarse_width) for _ in range(coarse_depth))
        self.pool = PooledFeatures(coarse_width, feature_dim)
        self.to_fine = nn.Conv2d(coarse_width, 4 * width, 1)
        self.up = nn.ModuleList(ResidualBlock(width, condition_dim) for _ in range(depth))
        self.copy_head = self.make_copy_head(width, patch, thin_width, reach, motion)

    @property
    def edge_layers(self) -> list[nn.Module]:
        """The input and output layers, which an optimiser for hidden layers should skip."""
        input_layers = [self.down_in] if self.copy_head.thin_in is None else []
        return input_layers + self.copy_head.edge_layers

    def forward(self, noisy: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels) -> Prediction:
        """Return the prediction for the frame after the context.

        Args:
            noisy: Scaled by the process.
            level: Its noise level, as a number of order 1.
            context: The past, scaled likewise.
            step_size: How far along the noise levels a shortcut step goes, in [0, 1]; 0 is no shortcut.
        """
        pixels, condition, skip, coarse = self._encode(noisy, level, context, step_size)
        hidden = F.pixel_shuffle(self.to_fine(coarse), 2) + skip
        for block in self.up:
            hidden = block(hidden, condition)
        painting = self.copy_head(hidden, pixels, context.frames[:, -1])
        return Prediction(painting.frame, self.pool(coarse), painting.moved_share, painting.spread)

    def commit(
        self, frame: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels
    ) -> tuple[Features, None]:
        """Return the features of the transition into a frame, at about half the cost; there is no cache."""
        return self.pool(self._encode(frame, level, context, step_size)[-1]), None

    def _encode(
        self, noisy: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        pixels, condition = self.read_inputs(noisy, level, context, step_size)
        hidden = self.down_in(pixels)
        for block in self.down:
            hidden = block(hidden, condition)
        coarse = self.to_coarse(hidden)
        for block, attention in zip(self.coarse, self.attention, strict=True):
            coarse = attention(block(coarse, condition))
        return pixels, condition, hidden, coarse
