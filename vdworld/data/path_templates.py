"""Paths of a dataset's files, from templates that its ``info.json`` holds."""

from __future__ import annotations

import re
import string
from pathlib import Path

_NUMBER = re.compile("(0?[1-9])?d?")
_FIELDS = {"video_key": re.compile(""), "chunk_index": _NUMBER, "file_index": _NUMBER}
"""What a template may fill in, and how it may be formatted: numbers with up to nine digits."""


def fill_template(root: Path, template: str, **values: str | int) -> Path:
    """Return the path of a file in a dataset folder.

    A template may come from anyone. It may name the fields alone, neither their attributes nor a large width, and its
    result must be inside the folder.

    Args:
        root: The dataset folder.
        template: Such as ``"data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"``.
        values: The values of its fields.

    Raises:
        ValueError: The template asks for something else.
    """
    parts = []
    for literal, field, form, conversion in string.Formatter().parse(template):
        parts.append(literal)
        if field is None:
            continue
        if field not in values or conversion or not _FIELDS[field].fullmatch(form or ""):
            raise ValueError(
                f"a path may hold {', '.join(f'{{{name}}}' for name in values)} with up to nine digits, "
                f"got {template[:200]!r}."
            )
        parts.append(format(values[field], form or ""))
    path = Path("".join(parts))
    if path.is_absolute() or ".." in path.parts or path.drive or not path.name or "\0" in str(path):
        raise ValueError(f"a path must stay in the folder of the dataset, got {str(path)[:200]!r}.")
    return root / path
