"""Processes that are killed at a chosen moment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHANGES = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove"}


def changes(folder: Path, event: str, args: tuple[Any, ...]) -> bool:
    """Return whether an audit event is about to change something in a folder."""
    if event not in CHANGES or not isinstance(args[0], str | os.PathLike):
        return False
    writes = event != "open" or (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return bool(writes) and os.path.abspath(args[0]).startswith(str(folder))


@pytest.fixture
def killed_at_each_change() -> Callable[..., Iterator[int]]:
    """Run an action again and again, each time in a process that is killed one change of the folder later."""

    def run(folder: Path, action: Callable[[], None], prepare: Callable[[], None]) -> Iterator[int]:
        for number in range(1, 1000):
            prepare()
            if (child := os.fork()) == 0:
                _act_and_die(folder, action, number)
            if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
                return  # it came to its end
            yield number

    return run


def _act_and_die(folder: Path, action: Callable[[], None], number: int) -> None:
    """Kill this process before its change of the folder number `number`, or end it after the action."""
    count = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        if changes(folder, event, args):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    try:
        action()
    finally:
        os._exit(0)
