"""Run a part of the GPU check in a process of its own, so that its crash or hang is its own."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

_GRACE = 5.0  # seconds that a process has to end before it is killed


class NotRunError(Exception):
    """A part that was left out, such as for want of time; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """How a part ended.

    Args:
        status: ``"done"``, ``"failed"``, ``"not run"`` or ``"out of time"``.
        result: What the function returned, if it is done.
        message: The traceback, or why there is no result.
        seconds: How long it took.
    """

    status: str
    result: Any = None
    message: str = ""
    seconds: float = 0.0


def run_apart(function: Callable[..., Any], *arguments: Any, seconds: float, modules: tuple[str, ...] = ()) -> Outcome:
    """Call a function in a process of its own and wait for it.

    An error on a CUDA device can leave the process unable to use the device again; here nothing of that remains.

    Args:
        function: A function of a module, since it is imported anew.
        arguments: What can be pickled.
        seconds: After so long the process is ended.
        modules: What further processes find imported already, where the system can hand that on.
    """
    began = time.monotonic()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = _context(modules).Process(target=_call, args=(sender, function, arguments), daemon=False)
    process.start()
    sender.close()
    try:
        if not receiver.poll(max(seconds, 0.0)):
            outcome = Outcome("out of time", message=f"It was ended after {seconds:.0f} seconds.")
        else:
            outcome = Outcome(*receiver.recv())
    except EOFError:
        process.join(_GRACE)
        outcome = Outcome("failed", message=f"The process died with exit code {process.exitcode}.")
    finally:
        receiver.close()
        _end(process)
    return Outcome(outcome.status, outcome.result, outcome.message, time.monotonic() - began)


def _context(modules: tuple[str, ...]) -> Any:
    """Return a way to start processes that never copies a process which has used CUDA."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    return context


def _call(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        answer = ("done", function(*arguments), "")
    except NotRunError as error:
        answer = ("not run", None, str(error))
    except Exception:
        answer = ("failed", None, traceback.format_exc())
    sender.send(answer)
    sender.close()


def _end(process: Any) -> None:
    """Wait for a process that has answered, and end one that has not."""
    process.join(_GRACE)
    if process.is_alive():
        process.terminate()
        process.join(_GRACE)
    if process.is_alive():
        process.kill()
        process.join()
