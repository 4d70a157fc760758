"""Run a part of the GPU check in its own process, so that a crash or a hang does not affect the others."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

_GRACE = 5.0  # seconds that a process has to exit before it is terminated, and then before it is killed


class NotRunError(Exception):
    """A part can't run, for example because there is no time; the message gives the reason."""


@dataclass(frozen=True)
class Outcome:
    """How a part ended.

    Args:
        status: ``"done"``, ``"failed"``, ``"not run"`` or ``"out of time"``.
        result: The return value of the function if it is done.
        message: The traceback, or the reason why there is no result.
        seconds: Duration.
    """

    status: str
    result: Any = None
    message: str = ""
    seconds: float = 0.0


def run_isolated(
    function: Callable[..., Any], *arguments: Any, seconds: float, modules: tuple[str, ...] = ()
) -> Outcome:
    """Call a function in a new process and wait for it.

    After some errors a process can't use its CUDA device any more; later processes are not affected.

    Args:
        function: A function at the top level of a module, which the process imports.
        arguments: Its arguments, which must be picklable.
        seconds: Time limit, after which the process is terminated.
        modules: Modules to import once for all processes, on systems with a fork server.
    """
    began = time.monotonic()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = _context(modules).Process(target=_call, args=(sender, function, arguments), daemon=False)
    process.start()
    sender.close()
    try:
        if not receiver.poll(max(seconds, 0.0)):
            outcome = Outcome("out of time", message=f"Terminated after {seconds:.0f} seconds.")
        else:
            outcome = Outcome(*receiver.recv())
    except EOFError:
        process.join(_GRACE)
        outcome = Outcome("failed", message=f"The process died with exit code {process.exitcode}.")
    finally:
        receiver.close()
        _stop(process)
    return Outcome(outcome.status, outcome.result, outcome.message, time.monotonic() - began)


def _context(modules: tuple[str, ...]) -> Any:
    """Return a context whose start method never forks a process that has used CUDA."""
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


def _stop(process: Any) -> None:
    """Wait until a process exits, and terminate it if it does not."""
    process.join(_GRACE)
    if process.is_alive():
        process.terminate()
        process.join(_GRACE)
    if process.is_alive():
        process.kill()
        process.join()
