"""Delay Ctrl-C while something must not be cut short."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def handled_signals() -> dict[int, Callable[[int, FrameType | None], Any]]:
    """Return those of SIGINT and SIGTERM that Python handles, with their handlers.

    A signal that the parent process ignores (``nohup``, a job in the background) stays ignored, and a SIGTERM that
    nobody handles ends the process at once. Only the main thread is interrupted, so others get an empty mapping.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    return {number: handler for number, handler in handlers.items() if callable(handler)}


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """A block that Ctrl-C and SIGTERM do not cut short; they take effect right after it."""
    handlers, waiting = handled_signals(), list[tuple[int, FrameType | None]]()
    for number in handlers:
        signal.signal(number, lambda number, frame: waiting.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in waiting[:1]:
            handlers[number](number, frame)
