"""Discrete action spaces: those that consist of choices alone."""

from __future__ import annotations

import math

import torch
from gymnasium import spaces
from torch import Tensor

from vdworld.spaces import ActionCodec, leaves


def count_options(codec: ActionCodec) -> list[int]:
    """Return the number of values that each number of a flat action can take.

    Raises:
        ValueError: The space has a continuous part.
    """
    if any(isinstance(leaf, spaces.Box) for leaf in leaves(codec.space)):
        raise ValueError(
            f"`action_space` must consist of discrete choices for this planning method, got {codec.space}. "
            "CrossEntropy, ICEM and MPPI take any space."
        )
    return [count or 2 for count in codec.num_choices]  # the codec counts a binary number as continuous, 0


def encode_options(codec: ActionCodec, options: Tensor) -> Tensor:
    """Encode flat actions ``[..., n]`` whose values count from 0: ``[..., a]``."""
    return codec.encode_flat(options.float() + torch.as_tensor(codec.offsets, dtype=torch.float32).to(options.device))


def every_action(codec: ActionCodec, most: int = 512) -> Tensor:
    """Return all encoded actions of a space, ``[m, a]``.

    Raises:
        ValueError: The space has more than `most` actions, or infinitely many.
    """
    counts = count_options(codec)
    if math.prod(counts) > most:
        raise ValueError(
            f"`action_space` must have at most {most} actions for a search that tries them all, got "
            f"{math.prod(counts):,} in {codec.space}. CategoricalCrossEntropy samples some of them."
        )
    options = torch.cartesian_prod(*[torch.arange(count) for count in counts]).reshape(-1, len(counts))
    return encode_options(codec, options)
