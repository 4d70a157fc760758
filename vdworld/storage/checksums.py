"""Checksums of files, and JSON descriptions that hold checksums of themselves and of the files that they describe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHECKSUMS = "checksums"
"""The entry of a description with SHA-256 checksums by file name; that of its own name covers all other values."""


def checksum(content: bytes) -> str:
    """Return the SHA-256 checksum of a file's content, as ``sha256sum`` prints it."""
    return hashlib.sha256(content).hexdigest()


def file_checksum(path: Path) -> str:
    """Return the SHA-256 checksum of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def seal(description: Mapping[str, Any], name: str, files: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a description with its checksums.

    Args:
        description: Plain JSON values.
        name: The name of the description's own file.
        files: Checksums of the files that it describes, by name.
    """
    plain = json.loads(json.dumps(description))  # as it will be read
    files = dict(files or {})
    return {**plain, CHECKSUMS: {name: _checksum_of_values(plain, files), **files}}


def unseal(description: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a description without its checksums, and those of the files that it describes.

    A description without checksums, by an earlier version or edited on purpose, is returned as it is.

    Args:
        description: The values that were read.
        path: The file that they come from.

    Raises:
        ValueError: The values are not those that were written.
    """
    plain = {name: value for name, value in description.items() if name != CHECKSUMS}
    if CHECKSUMS not in description:
        return plain, {}
    listed = description[CHECKSUMS]
    if not isinstance(listed, dict):
        raise ValueError(f"{path} is damaged: `{CHECKSUMS}` must map file names to checksums, got {listed!r}.")
    files = {name: value for name, value in listed.items() if name != path.name}
    if listed.get(path.name) != _checksum_of_values(plain, files):
        raise ValueError(
            f"{path} is damaged: its values are not those that were written. Copy or save it again. If you changed "
            f"them on purpose, remove its entry `{CHECKSUMS}`."
        )
    return plain, files


def _checksum_of_values(*values: Any) -> str:
    return checksum(json.dumps(values, sort_keys=True, separators=(",", ":")).encode())
