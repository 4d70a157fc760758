"""Checks of arguments that agents share."""

from __future__ import annotations

import torch

from vdworld.types import LaneMask


def check_counts(**counts: int | None) -> None:
    """Check that counts are at least 1; None passes.

    Raises:
        ValueError: A count is below 1.
    """
    for name, value in counts.items():
        if value is not None and value < 1:
            raise ValueError(f"`{name}` must be at least 1, got {value}.")


def check_shares(**shares: float) -> None:
    """Check that shares and probabilities lie in [0, 1].

    Raises:
        ValueError: One lies outside.
    """
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"`{name}` must lie in [0, 1], got {value}.")


def check_not_negative(**values: float) -> None:
    """Check that numbers are at least 0.

    Raises:
        ValueError: One is below 0.
    """
    for name, value in values.items():
        if not value >= 0:  # NaN neither
            raise ValueError(f"`{name}` must not be negative, got {value}.")


def check_all_lanes(mask: LaneMask | None) -> None:
    """Check that a reset selects all lanes ``[b]``; None does.

    Raises:
        ValueError: It selects some of them.
    """
    if mask is not None and not bool(torch.as_tensor(mask).all()):
        raise ValueError(f"`mask` must select all lanes: this agent starts them together, got {mask}.")
