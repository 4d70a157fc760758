"""What a network is told besides the noisy frame."""

from __future__ import annotations

from dataclasses import dataclass

from vdworld.networks.kv_cache import KVCache
from vdworld.types import ActionMask, Actions, ClipLevels, Frames


@dataclass
class Context:
    """The past, and the actions that lead through it into the frame being denoised.

    Args:
        frames: The K frames before, ``[b, K, c, h, w]``, each mixed with noise up to its `level`; newest last.
        actions: Encoded actions ``[b, K, a]``; the last one leads into the frame being denoised.
        action_mask: ``[b, K]``; False marks a null action: padding before the episode began, or video without actions.
        level: The noise level of every context frame ``[b, K]``; a network is told it as a number of order 1, as it is
            told the level of the noisy frame.
        cache: What a video network kept of these frames, if it saw them before; it then looks at the last one alone.
    """

    frames: Frames
    actions: Actions
    action_mask: ActionMask
    level: ClipLevels
    cache: KVCache | None = None
