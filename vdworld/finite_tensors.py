"""Tensors whose numbers are all finite: weights and optimiser states that may be saved, loaded and dreamed with."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def check_finite_tensors(tensors: Mapping[str, Tensor], what: str, advice: str) -> None:
    """Check that no tensor holds NaN or infinity.

    Args:
        tensors: Tensors by name.
        what: What they are, as the message calls it.
        advice: What the user can do, the last sentence of the message.

    Raises:
        FloatingPointError: One does; the message gives its name.
    """
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise FloatingPointError(f"{what} must be finite, got NaN or infinity in `{name}`. {advice}")
