"""The memory that is free, to refuse in words what would not fit."""

from __future__ import annotations

import os
from pathlib import Path

SHARE = 0.9  # of the free memory that one thing may take


def check_memory_for(path: Path, num_bytes: int) -> None:
    """Check that the content of a file fits into the free memory.

    Raises:
        MemoryError: It does not.
    """
    available = free_memory()
    if available is not None and num_bytes > SHARE * available:
        raise MemoryError(
            f"{path} says that it holds {num_bytes / 2**30:,.1f} GiB, more than the free memory of "
            f"{available / 2**30:.1f} GiB. Copy it again, or split the dataset."
        )


def free_memory() -> int | None:
    """Return the free and reclaimable memory in bytes, or None if the system does not report it."""
    try:
        with open("/proc/meminfo") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        pass  # not Linux
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" in names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
