"""Files that appear whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

SUFFIX = ".tmp"  # no reader of the layout looks at such names


class PendingFile:
    """A file under construction.

    Args:
        path: Its final place; the folder is made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(path.name + SUFFIX)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self._temporary, "w+b")  # noqa: SIM115 - open until commit or discard

    def commit(self) -> None:
        """Bring the content to the disk and give the file its name, replacing an older one.

        Raises:
            OSError: The disk is full or failed; ``discard`` then cleans up.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        os.replace(self._temporary, self.path)

    def discard(self) -> None:
        """Remove what was written, under whichever name it stands."""
        with contextlib.suppress(OSError):  # the last bytes did not fit on the disk, and are not wanted any more
            self.file.close()
        self._temporary.unlink(missing_ok=True)


def write_json(path: Path, values: Any) -> None:
    """Replace a JSON file in one go."""
    pending = PendingFile(path)
    try:
        pending.file.write(json.dumps(values, indent=2).encode())
        pending.commit()
    except BaseException:
        pending.discard()
        raise
