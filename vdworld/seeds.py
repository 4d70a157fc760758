"""Seeds of any size, as random generators take them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np


def as_seed(seed: Any) -> int:
    """Return a seed as an int of 63 bits: the seed itself, or a hash of a larger one; see ``stream_seed``.

    Raises:
        ValueError: It is no whole number, or negative.
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ValueError(f"`seed` must be a whole number, got {seed!r}.")
    number = operator.index(seed)
    if number < 0:
        raise ValueError(f"`seed` must not be negative, got {number}.")
    return stream_seed(number)


def stream_seed(seed: int) -> int:
    """Return a seed that fits into 64 bits: the seed itself, or a hash of one from 2**63 on."""
    if seed < 2**63:
        return seed
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> np.uint64(1))
