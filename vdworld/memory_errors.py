"""Running out of memory, in words that name what to lower."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

_SIGNS = ("can't allocate memory", "not enough memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


@contextlib.contextmanager
def out_of_memory(advice: str) -> Iterator[None]:
    """A block, or a function, whose lack of memory is reported with what to do.

    Args:
        advice: What to lower, as a sentence.

    Raises:
        MemoryError: The memory is full.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        if isinstance(error, MemoryError) and text:
            raise  # it says already what to do
        known = isinstance(error, MemoryError | torch.OutOfMemoryError) or any(sign in text for sign in _SIGNS)
        if not known:
            raise
        cause = next((line.strip() for line in text.splitlines() if line.strip()), "the allocation failed")
        raise MemoryError(f"The memory is full: {cause[:200]} {advice}") from error
