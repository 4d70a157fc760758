"""A lock on a folder, so that only one process writes into it."""

from __future__ import annotations

import errno
import functools
import inspect
import os
import socket
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, TypeVar

from vdworld.storage.atomic_files import make_folder

LOCK = ".lock"
SWITCH = "VDWORLD_LOCKS"
"""Set this variable to ``off`` on file systems without locks."""
_POLL = 0.05  # seconds

P = ParamSpec("P")
R = TypeVar("R")


class FolderLock:
    """Hold a folder for writing. The operating system releases the lock when the process dies, however it dies.

    Args:
        folder: The folder; it is created if it does not exist.
        name: The name of the lock's file in it, which exists while the lock is held.
        patience: Seconds to wait for another writer.

    Raises:
        BlockingIOError: Another writer holds the folder; the message gives its process id.
    """

    def __init__(self, folder: Path, *, name: str = LOCK, patience: float = 0.0) -> None:
        self._path = folder / name
        make_folder(folder)
        deadline = time.monotonic() + patience
        while (descriptor := self._try()) is None:
            if self._path.exists() and time.monotonic() > deadline:
                raise BlockingIOError(
                    f"{folder} is being written by {self._holder()}. Wait for it or stop it, or name another folder."
                )
            time.sleep(_POLL)
        self._descriptor: int | None = descriptor

    @property
    def held(self) -> bool:
        """Whether the lock was not released."""
        return self._descriptor is not None

    def release(self) -> None:
        """Let others write. A second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(descriptor)

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        """Release the lock of a writer that was never closed; its file stays, and blocks nobody."""
        if (descriptor := getattr(self, "_descriptor", None)) is not None:
            os.close(descriptor)

    def _try(self) -> int | None:
        """Return a descriptor that holds the lock, or None if another one does."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.environ.get(SWITCH) == "off" or (_lock(descriptor) and _is_at(descriptor, self._path)):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def _holder(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8") or "another process"
        except OSError:
            return "another process"


def alone_in_output(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function hold the folder of its argument ``output`` until it returns; None writes nothing.

    Raises:
        BlockingIOError: Another process writes into the folder.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        output = signature.bind(*args, **kwargs).arguments.get("output")
        with nullcontext() if output is None else FolderLock(Path(output)):
            return function(*args, **kwargs)

    return call


def _lock(descriptor: int) -> bool:
    """Lock an open file, and return whether that succeeded."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise OSError(
            error.errno,
            f"The file system can't lock files ({error.strerror}). If nothing else writes to the folder, set "
            f"{SWITCH}=off",
        ) from error
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the one at its path; its last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
