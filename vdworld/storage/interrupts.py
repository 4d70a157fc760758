"""Ctrl-C and SIGTERM: delayed while something must not be cut short, and taken as a request to stop in long loops."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
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


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """A block in which SIGTERM does what Ctrl-C does, unless the process has a handler for it or ignores it."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class StopRequest:
    """A context in which the first Ctrl-C or SIGTERM asks a loop to stop, and the second one raises KeyboardInterrupt.

    The loop calls ``is_set`` wherever it may stop, saves what it has, and raises KeyboardInterrupt itself. A request
    that comes too late for the loop raises it at the end of the context.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def is_set(self) -> bool:
        """Return whether the loop is to stop."""
        return self._event.is_set()

    def __enter__(self) -> StopRequest:
        self._handlers = handled_signals()
        for number in self._handlers:
            signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if kind is None and self.is_set():
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_set():
            raise KeyboardInterrupt
        self._event.set()
