"""A block-causal transformer over space and time: most layers attend within frames, some along time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.attention import SpatialAttention, TemporalAttention, places
from vdworld.networks.clip_network import ClipNetwork
from vdworld.networks.kv_cache import KVCacheWriter
from vdworld.types import StepFeatures


class Transformer(ClipNetwork):
    """Estimate the frames of a clip with attention within each frame and causal attention along time.

    Each frame has register tokens (Darcet et al. 2024) and a readout token, from which the features come. The readout
    token attends to its frame and its own past, and no other token attends to it, so that the features do not affect
    the frames (Hafner et al. 2025, Dreamer 4). Noise level, step size and action modulate every layer (Peebles and Xie
    2023, adaLN-Zero).

    Args:
        frame_channels: Channels of one frame, 3 per camera.
        image_size: Height and width; multiples of `patch`.
        action_dim: Length of an encoded action.
        context_length: K, the number of past frames.
        patch: Pixels per token and axis; even.
        width: Numbers per token.
        depth: Layers.
        temporal_every: One layer in this many attends along time, beginning with the second; the others within frames.
        num_registers: Register tokens per frame.
        head_dim: Numbers per attention head.
        expansion: Width of a layer's hidden units, as a multiple of `width`.
        thin_width: Channels of a path at full resolution; 0 for none.
        copy: Whether pixels are copied; the output is then a clean frame.
        reach: How far, in pixels per step, something can move and still be copied; 0 copies in place only. None is a
            quarter of the larger side, or 3 for kernels.
        motion: "flow", or "kernel" as in worlds of format 2 (``vdworld.networks.motion``).
        condition_dim: Length of the condition vector of a frame.
        feature_dim: Length of the features.
    """

    def __init__(
        self,
        *,
        frame_channels: int,
        image_size: tuple[int, int],
        action_dim: int,
        context_length: int = 4,
        patch: int = 4,
        width: int = 128,
        depth: int = 6,
        temporal_every: int = 3,
        num_registers: int = 4,
        head_dim: int = 32,
        expansion: float = 2.5,
        thin_width: int = 16,
        copy: bool = True,
        reach: int | None = None,
        motion: str = "flow",
        condition_dim: int = 128,
        feature_dim: int = 256,
    ) -> None:
        if patch % 2:
            raise ValueError(f"`patch` must be even, got {patch}.")
        if temporal_every < 2 or depth < 2:
            raise ValueError(f"`temporal_every` and `depth` must be at least 2, got {temporal_every} and {depth}.")
        sizes = (frame_channels, image_size, action_dim, context_length)
        dims = {"condition_dim": condition_dim, "feature_dim": feature_dim}
        super().__init__(*sizes, num_past=1, cell=patch, copy=copy, **dims)
        self.patch_in = nn.Conv2d(self.pixel_channels, width, patch, stride=patch)
        # far from zero: the norm of a token near zero would multiply its gradient without bound
        self.registers = nn.Parameter(torch.randn(num_registers, width))
        self.readout = nn.Parameter(torch.randn(1, width))
        positions = places(image_size[0] // patch, image_size[1] // patch)
        positions = torch.cat([positions, positions.new_zeros(num_registers + 1, 2)])
        self.layers = nn.ModuleList()
        for i in range(depth):
            if i % temporal_every == 1:
                attention = TemporalAttention(width, head_dim, context_length)
            else:
                attention = SpatialAttention(width, head_dim, positions, with_readout=True)
            self.layers.append(Layer(width, attention, int(expansion * width), condition_dim))
        self.norm = nn.RMSNorm(width)
        self.to_features = nn.Linear(width, feature_dim)
        self.to_cells = nn.Conv2d(width, 2 * width, 1)
        self.copy_head = self.make_copy_head(width // 2, patch // 2, thin_width, reach, motion)

    @property
    def hidden_layers(self) -> list[nn.Linear]:
        """The linear layers between hidden features, for an optimiser for hidden layers."""
        return [m for name, m in self.layers.named_modules() if isinstance(m, nn.Linear) and "modulation" not in name]

    def _encode(
        self, hidden: Tensor, condition: Tensor, num_frames: int, writer: KVCacheWriter
    ) -> tuple[list[Tensor], StepFeatures]:
        tokens = hidden.flatten(2).transpose(1, 2)
        extra_tokens = torch.cat([self.registers, self.readout]).expand(len(tokens), -1, -1)
        tokens = torch.cat([tokens, extra_tokens], dim=1).unflatten(0, (-1, num_frames))
        condition = condition.unflatten(0, (-1, num_frames))
        for layer in self.layers:
            tokens = layer(tokens, condition, writer)
        tokens = self.norm(tokens)
        patches = tokens[:, :, : hidden.shape[2] * hidden.shape[3]].flatten(0, 1)
        return [patches.transpose(1, 2).reshape(hidden.shape)], self.to_features(tokens[:, :, -1])

    def _decode(self, maps: list[Tensor], condition: Tensor) -> Tensor:
        """Split each token into four cells, since what moves is rarely as large as a token's patch."""
        return F.pixel_shuffle(self.to_cells(maps[0]), 2)


class Layer(nn.Module):
    """Attention and a gated MLP (SwiGLU, Shazeer 2020), each behind a norm; begins as the identity.

    Args:
        width: Numbers per token.
        attention: Attends over tokens ``[b, t, s, width]``.
        hidden_dim: Hidden units of the MLP.
        condition_dim: Length of a frame's condition vector, which scales, shifts and gates both parts.
    """

    def __init__(
        self, width: int, attention: SpatialAttention | TemporalAttention, hidden_dim: int, condition_dim: int
    ) -> None:
        super().__init__()
        self.attention = attention
        self.norm1 = nn.RMSNorm(width, elementwise_affine=False)
        self.norm2 = nn.RMSNorm(width, elementwise_affine=False)
        self.to_hidden = nn.Linear(width, 2 * hidden_dim, bias=False)
        self.to_out = nn.Linear(hidden_dim, width)
        self.modulation = nn.Linear(condition_dim, 6 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, tokens: Tensor, condition: Tensor, writer: KVCacheWriter) -> Tensor:
        """Return tokens of the same shape ``[b, t, s, c]``; `condition` is ``[b, t, d]``."""
        scale1, shift1, gate1, scale2, shift2, gate2 = self.modulation(condition)[:, :, None].chunk(6, dim=-1)
        modulated = self.norm1(tokens) * (1 + scale1) + shift1
        along_time = isinstance(self.attention, TemporalAttention)
        tokens = tokens + gate1 * (self.attention(modulated, writer) if along_time else self.attention(modulated))
        gate, value = self.to_hidden(self.norm2(tokens) * (1 + scale2) + shift2).chunk(2, dim=-1)
        return tokens + gate2 * self.to_out(F.silu(gate) * value)
