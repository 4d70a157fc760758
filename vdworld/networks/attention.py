"""Attention within a frame and along time, over tokens ``[b, t, s, c]``: s places of t frames."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vdworld.networks.blocks import attend
from vdworld.networks.kv_cache import KVCacheWriter


def places(height: int, width: int) -> Tensor:
    """Return the row and the column of every place of a map, counted from 1, ``[height * width, 2]``."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows.flatten(), columns.flatten()], dim=-1) + 1


def angles(positions: Tensor, dim: int) -> Tensor:
    """Return the rotary angles ``[n, dim / 2]`` of heads of `dim` numbers (Su et al. 2021, eq. 15).

    Args:
        positions: ``[n, axes]``; every axis gets an equal share of the angles.
        dim: Length of a head, a multiple of 2 axes. Wavelengths reach from 2 pi to 200 pi positions.
    """
    share = dim // (2 * positions.shape[-1])
    frequencies = torch.exp(-math.log(100) * torch.arange(share, device=positions.device) / share)
    return (positions[..., None] * frequencies).flatten(-2)


def rotate(heads: Tensor, rotations: Tensor) -> Tensor:
    """Rotate pairs of numbers of `heads` ``[..., d]`` by the angles `rotations` ``[..., d / 2]``."""
    cosines, sines = rotations.cos().to(heads.dtype), rotations.sin().to(heads.dtype)
    first, second = heads.chunk(2, dim=-1)
    return torch.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1)


class _Heads(nn.Module):
    """The projections of both kinds of attention; queries and keys are normalised (Dehghani et al. 2023)."""

    def __init__(self, width: int, head_dim: int) -> None:
        super().__init__()
        if width % head_dim or head_dim % 4:
            rule = f"divide `width` = {width} and be a multiple of 4"
            raise ValueError(f"`head_dim` must {rule}, got {head_dim}.")
        self.head_dim = head_dim
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.sharpness = nn.Parameter(torch.ones(head_dim))
        self.to_out = nn.Linear(width, width)

    def _project(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values ``[b, t, s, heads, d]``, before rotation."""
        query, key, value = self.to_qkv(tokens).unflatten(-1, (3, -1, self.head_dim)).unbind(dim=-3)
        query = F.rms_norm(query, query.shape[-1:]) * self.sharpness.to(query.dtype)
        return query, F.rms_norm(key, key.shape[-1:]), value


class SpatialAttention(_Heads):
    """Attention among the tokens of each frame.

    Args:
        width: Numbers per token.
        head_dim: Numbers per head; a multiple of 4 that divides `width`.
        positions: Row and column of every token ``[s, 2]``.
        with_readout: The last token attends to all others, and none of them attends to it.
    """

    rotations: Tensor

    def __init__(self, width: int, head_dim: int, positions: Tensor, with_readout: bool = False) -> None:
        super().__init__(width, head_dim)
        self.with_readout = with_readout
        self.register_buffer("rotations", angles(positions, head_dim)[:, None], persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the attention's output for each token, ``[b, t, s, c]``."""
        query, key, value = self._project(tokens)
        parts = (rotate(query, self.rotations), rotate(key, self.rotations), value)
        query, key, value = (part.to(value.dtype).flatten(0, 1).transpose(1, 2) for part in parts)  # [b t, heads, s, d]
        if self.with_readout:  # two calls rather than a mask, which fast kernels don't take
            readout = attend(query[:, :, -1:], key, value)
            query, key, value = query[:, :, :-1], key[:, :, :-1], value[:, :, :-1]
            attended = torch.cat([attend(query, key, value), readout], dim=2)
        else:
            attended = attend(query, key, value)
        return self.to_out(attended.transpose(1, 2).reshape(tokens.shape))


class TemporalAttention(_Heads):
    """Attention of every place to itself in earlier frames: causal, for clips of any length.

    Args:
        width: Numbers per token.
        head_dim: Numbers per head; a multiple of 4 that divides `width`.
        window: How many frames back it reaches.
    """

    def __init__(self, width: int, head_dim: int, window: int) -> None:
        super().__init__(width, head_dim)
        self.window = window

    def forward(self, tokens: Tensor, writer: KVCacheWriter) -> Tensor:
        """Return the attention's output for each token, ``[b, t, s, c]``."""
        t, s = tokens.shape[1:3]
        query, key, value = self._project(tokens)
        key, value = writer.extend(key, value)
        n = key.shape[1]  # frames of the past, and these
        rotations = angles(torch.arange(n, device=tokens.device)[:, None], self.head_dim)[:, None, None]
        parts = (rotate(query, rotations[n - t :]), rotate(key, rotations), value)
        # Places count as heads: CUDA's kernels take fewer rows than a batch of dreams has places.
        query, key, value = (part.to(value.dtype).permute(0, 2, 3, 1, 4).flatten(1, 2) for part in parts)
        needs_no_mask = n <= self.window + 1 and t in (1, n)  # causal, or one frame that attends to all
        mask = None if needs_no_mask else self._band(t, n, tokens.device)
        attended = attend(query, key, value, attn_mask=mask, is_causal=needs_no_mask and t > 1)
        return self.to_out(attended.unflatten(1, (s, -1)).permute(0, 3, 1, 2, 4).reshape(tokens.shape))

    def _band(self, t: int, n: int, device: torch.device) -> Tensor:
        """Return which of n frames each of the last t attends to ``[t, n]``: itself and `window` before it."""
        back = torch.arange(n - t, n, device=device)[:, None] - torch.arange(n, device=device)
        return (back >= 0) & (back <= self.window)


class MapAttention(nn.Module):
    """Attention over feature maps, as a residual; begins as the identity.

    Args:
        channels: Features in and out.
        attention: Attends over tokens ``[b, t, s, channels]``.
    """

    def __init__(self, channels: int, attention: SpatialAttention | TemporalAttention) -> None:
        super().__init__()
        self.norm, self.attention = nn.GroupNorm(1, channels), attention
        for parameter in attention.to_out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, maps: Tensor, num_frames: int, writer: KVCacheWriter) -> Tensor:
        """Return maps of the same shape ``[b t, channels, h, w]``, of clips of `num_frames` frames."""
        tokens = self.norm(maps).flatten(2).transpose(1, 2).unflatten(0, (-1, num_frames))
        along_time = isinstance(self.attention, TemporalAttention)
        attended = self.attention(tokens, writer) if along_time else self.attention(tokens)
        return maps + attended.flatten(0, 1).transpose(1, 2).reshape(maps.shape)
