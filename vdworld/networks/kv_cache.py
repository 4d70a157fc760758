"""What attention along time keeps of the frames before, so that a new frame costs one frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

KeysValues = tuple[Tensor, Tensor]
"""Keys, not yet turned by position, and values, each ``[b, t, s, heads, d]``: t frames of s places."""


@dataclass(frozen=True)
class KVCache:
    """Keys and values of the last frames, in every layer that attends along time.

    Args:
        layers: One pair per layer, oldest frame first; every tensor has the lanes first.
    """

    layers: tuple[KeysValues, ...]


class KVCacheWriter:
    """One pass through a network: hands each layer its past, and notes what it adds.

    Args:
        past: What was kept of the frames before those of this pass; None if there are none.
    """

    def __init__(self, past: KVCache | None = None) -> None:
        self._past = past
        self._layers: list[KeysValues] = []

    def extend(self, keys: Tensor, values: Tensor) -> KeysValues:
        """Return the next layer's past with the frames of this pass behind it."""
        if self._past is not None:
            past_keys, past_values = self._past.layers[len(self._layers)]
            keys, values = torch.cat([past_keys, keys], dim=1), torch.cat([past_values, values], dim=1)
        self._layers.append((keys, values))
        return keys, values

    def cache(self, length: int) -> KVCache:
        """Return what all layers keep: the last `length` frames."""
        return KVCache(tuple((keys[:, -length:], values[:, -length:]) for keys, values in self._layers))
