"""One recorded episode, and the rule that assigns it to a split."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

DEFAULT_TEST_FRACTION = 0.2


@dataclass
class Episode:
    """An episode of T transitions between T + 1 observations.

    ``actions[t]`` is taken after observing row t of ``frames`` and ``state``, and leads to row t + 1. ``rewards[t]``,
    ``terminated[t]`` and ``truncated[t]`` belong to this transition.

    Args:
        frames: Pixels by camera name, uint8 ``[T+1, h, w, 3]``.
        actions: Flat actions in the environment's units, float32 ``[T, n]``.
        rewards: float32 ``[T]``, or None if the dataset has none.
        terminated: bool ``[T]``; whether the environment ended the episode.
        truncated: bool ``[T]``; whether the episode was cut off.
        state: Numeric observations and info beside the frames, ``[T+1, d]`` each, under their names on disk
            (``observation.state``, ``info.block_pose``). NaN where the environment gave no value.
        seed: The seed that the environment was reset with, if known.
        split: ``"train"`` or ``"test"``.
        index: The episode's number in its folder.
    """

    frames: dict[str, np.ndarray]
    actions: np.ndarray
    rewards: np.ndarray | None
    terminated: np.ndarray
    truncated: np.ndarray
    state: dict[str, np.ndarray] = field(default_factory=dict)
    seed: int | None = None
    split: str = "train"
    index: int = 0

    def __len__(self) -> int:
        """Return the number of transitions T."""
        return len(self.actions)


def choose_split(index: int, *, test_fraction: float, seed: int = 0) -> str:
    """Return ``"train"`` for an episode for training, ``"test"`` for one that is held out.

    The result depends on the arguments alone, so it does not change when episodes are appended. One episode is held out
    in every block of ``1 / test_fraction`` episodes, at a place that a hash of `seed` decides. In the first block it is
    the second episode, so that two episodes are enough for both splits.

    Args:
        index: The episode's number in its folder.
        test_fraction: Share of the episodes to hold out, in [0, 1).
        seed: The dataset's seed.

    Raises:
        ValueError: `test_fraction` is out of range.
    """
    if not 0 <= test_fraction < 1:
        raise ValueError(f"`test_fraction` must be at least 0 and below 1, got {test_fraction}.")
    share = Fraction(test_fraction).limit_denominator(10_000)
    if share == 0:
        return "train"
    block = math.floor(index * share)
    first, stop = math.ceil(block / share), math.ceil((block + 1) / share)
    place = 1 if block == 0 else first + math.floor(_unit_hash(f"{seed}:{block}") * (stop - first))
    return "test" if index == place else "train"


def _unit_hash(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
