"""What a network is told besides the noisy frame."""

from __future__ import annotations

from dataclasses import dataclass

from vdworld.types import Actions, Frames, Known, NoiseLevels


@dataclass
class Context:
    """The past, and the actions that lead through it into the frame being denoised.

    Args:
        frames: The K frames before, ``[b, K, c, h, w]``, mixed with noise up to `level`; newest last.
        actions: Encoded actions ``[b, K, a]``; the last one leads into the frame being denoised.
        known: ``[b, K]``; False marks a null action: padding before the episode began, or video without actions.
        level: The noise level of the context frames ``[b]``, told to the network.
    """

    frames: Frames
    actions: Actions
    known: Known
    level: NoiseLevels
