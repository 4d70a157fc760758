"""Files that appear only when they are complete: written under a temporary name, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

SUFFIX = ".tmp"  # readers of the layout ignore such names


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
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self._temporary, "w+b")  # noqa: SIM115 - open until commit or discard

    def commit(self) -> None:
        """Write the content to the disk and rename the file, which replaces an older one.

        Raises:
            OSError: The disk is full or failed; call ``discard`` to clean up.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        os.replace(self._temporary, self.path)

    def discard(self) -> None:
        """Remove the unfinished file. After ``commit`` it does nothing."""
        with contextlib.suppress(OSError):  # a full disk: the last bytes are lost, and not needed
            self.file.close()
        self._temporary.unlink(missing_ok=True)


def write_json(path: Path, values: Any) -> None:
    """Write a JSON file, which replaces an older one only when it is complete."""
    pending = PendingFile(path)
    try:
        pending.file.write(json.dumps(values, indent=2).encode())
        pending.commit()
    except BaseException:
        pending.discard()
        raise
