"""Keys and values of earlier frames, so that attention along time processes only the new frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

KeysValues = tuple[Tensor, Tensor]
"""Keys before rotation, and values, each ``[b, t, s, heads, d]``: t frames of s places."""


@dataclass(frozen=True)
class KVCache:
    """Keys and values of the last frames, for every layer that attends along time.

    Args:
        layers: One pair per layer, oldest frame first; every tensor has the lanes first.
    """

    layers: tuple[KeysValues, ...]


class KVCacheWriter:
    """Collects the cache during one pass through a network: each layer takes its past and adds its new frames.

    Args:
        past: The cache of the frames before those of this pass; None if there are none.
    """

    def __init__(self, past: KVCache | None = None) -> None:
        self._past = past
        self._layers: list[KeysValues] = []

    def extend(self, keys: Tensor, values: Tensor) -> KeysValues:
        """Return the next layer's past, followed by the frames of this pass."""
        if self._past is not None:
            past_keys, past_values = self._past.layers[len(self._layers)]
            keys, values = torch.cat([past_keys, keys], dim=1), torch.cat([past_values, values], dim=1)
        self._layers.append((keys, values))
        return keys, values

    def cache(self, length: int) -> KVCache:
        """Return the cache of the last `length` frames."""
        return KVCache(tuple((keys[:, -length:], values[:, -length:]) for keys, values in self._layers))
