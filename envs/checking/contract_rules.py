"""Raise an AssertionError that names the rule of the contract that an environment breaks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


def require_rule(kept: Any, text: str) -> None:
    """Raise an AssertionError with this text unless the rule is kept."""
    if not kept:
        raise AssertionError(text)


@contextlib.contextmanager
def name_rule(rule: str) -> Iterator[None]:
    """Convert any exception that the environment raises to an AssertionError that names the rule."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{rule}; it raised {type(error).__name__}: {error}") from error
