"""Action spaces that are made of choices."""

from __future__ import annotations

import math

import torch
from gymnasium import spaces
from torch import Tensor

from vdworld.spaces import ActionCodec, leaves


def count_options(codec: ActionCodec) -> list[int]:
    """Return how many values each number of a flat action can take.

    Raises:
        ValueError: Some can take any.
    """
    if any(isinstance(leaf, spaces.Box) for leaf in leaves(codec.space)):
        raise ValueError(
            f"`action_space` must be made of choices alone for this planner, got {codec.space}. "
            "CrossEntropy, ICEM and MPPI take any space."
        )
    return [count or 2 for count in codec.num_choices]  # a binary number counts as continuous there


def encode_options(codec: ActionCodec, options: Tensor) -> Tensor:
    """Encode flat actions ``[..., n]`` whose values are counted from 0, ``[..., a]``."""
    return codec.encode_flat(options.float() + torch.as_tensor(codec.offsets, dtype=torch.float32).to(options.device))


def every_action(codec: ActionCodec, most: int = 512) -> Tensor:
    """Return all encoded actions of a space, ``[m, a]``.

    Raises:
        ValueError: There are more than `most`, or infinitely many.
    """
    counts = count_options(codec)
    if math.prod(counts) > most:
        raise ValueError(
            f"`action_space` must have at most {most} actions for a search that tries them all, got "
            f"{math.prod(counts):,} in {codec.space}. CategoricalCrossEntropy draws some of them."
        )
    options = torch.cartesian_prod(*[torch.arange(count) for count in counts]).reshape(-1, len(counts))
    return encode_options(codec, options)
