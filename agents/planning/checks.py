"""What planning methods check of their settings."""

from __future__ import annotations


def check_counts(**counts: int) -> None:
    """Check numbers of which there must be one at least.

    Raises:
        ValueError: A number below 1.
    """
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1, got {value}.")


def check_shares(**shares: float) -> None:
    """Check shares and probabilities.

    Raises:
        ValueError: One outside [0, 1].
    """
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"`{name}` must lie in [0, 1], got {value}.")
