"""The conditioning of a network: past frames and actions."""

from __future__ import annotations

from dataclasses import dataclass

from vdworld.networks.kv_cache import KVCache
from vdworld.types import ActionMask, Actions, ClipLevels, Frames


@dataclass
class Context:
    """The past frames, and the actions that lead through them into the frame being denoised.

    Args:
        frames: The K frames before it ``[b, K, c, h, w]``, newest last, each mixed with noise up to its `level`.
        actions: Encoded actions ``[b, K, a]``; the last one leads into the frame being denoised.
        action_mask: ``[b, K]``; False marks a null action: padding before the episode began, or video without actions.
        level: The noise level of every context frame ``[b, K]``; for a network a number of order 1, like the level of
            the noisy frame.
        cache: The keys and values that a video network kept of these frames, if it has processed them before. The
            network then reads only the last of the `frames`.
    """

    frames: Frames
    actions: Actions
    action_mask: ActionMask
    level: ClipLevels
    cache: KVCache | None = None
