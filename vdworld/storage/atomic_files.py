"""Files that appear only when they are complete: written under a temporary name, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SUFFIX = ".tmp"  # readers of datasets ignore such names


class PendingFile:
    """A file under construction.

    Args:
        path: Its final path; missing folders are created.

    Attributes:
        file: The open file to write to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(path.name + SUFFIX)
        make_folder(path.parent)
        self.file = open(self._temporary, "w+b")  # noqa: SIM115 - open until commit or discard

    def complete(self) -> None:
        """Write the content to the disk, and keep the temporary name.

        Raises:
            OSError: The disk is full or failed; call ``discard`` to clean up.
        """
        if not self.file.closed:
            with naming(self.path):
                self.file.flush()
                os.fsync(self.file.fileno())
                self.file.close()

    def commit(self) -> None:
        """Write the content to the disk and rename the file, which replaces an older one.

        Raises:
            OSError: The disk is full or failed; call ``discard`` to clean up.
        """
        self.complete()
        replace(self._temporary, self.path)

    def discard(self) -> None:
        """Remove the unfinished file. After ``commit`` it does nothing."""
        with contextlib.suppress(OSError):  # a full disk: the last bytes are lost, and not needed
            self.file.close()
        self._temporary.unlink(missing_ok=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a file, which replaces an older one only when it is complete.

    Raises:
        OSError: The disk is full or failed; the message names the file.
    """
    pending = PendingFile(path)
    try:
        with naming(path):
            pending.file.write(content)
        pending.commit()
    except BaseException:
        pending.discard()
        raise


def write_json(path: Path, values: Any) -> None:
    """Write a JSON file likewise."""
    write_file(path, json.dumps(values, indent=2).encode())


def replace(source: Path, target: Path) -> None:
    """Rename a file whose content is on the disk; after a power cut the target is the old or the new file."""
    os.replace(source, target)
    sync(target.parent)


def make_folder(path: Path) -> None:
    """Create a folder and its parents so that they survive a power cut; it may exist."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders, and writes names through
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Add a file's name to system errors that do not give one, such as that of a full disk, or give it as bytes."""
    try:
        yield
    except OSError as error:
        if error.errno is None or isinstance(error.filename, str):
            raise
        name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else str(path)
        raise OSError(error.errno, error.strerror, name) from error
