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
        if not is_out_of_memory(error) or (isinstance(error, MemoryError) and str(error)):
            raise  # it is something else, or says already what to do
        raise MemoryError(f"The memory is full: {allocation(error)} {advice}") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the memory of the computer or of a device is full."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or (isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS))


def allocation(error: BaseException) -> str:
    """Return what such an error says about the allocation that failed."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), "the allocation failed")[:200]
