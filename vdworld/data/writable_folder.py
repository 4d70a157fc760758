"""Prepare a folder for writing, new or to append to, and remove what an interrupted recording left in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vdworld.data.layout import FILES_PER_CHUNK, INFO, STATS, Layout, read_layout
from vdworld.storage.atomic_files import SUFFIX, replace
from vdworld.storage.checksums import file_checksum
from vdworld.storage.folder_lock import LOCK

_NUMBERED = re.compile(r"chunk-(\d+)/file-(\d+)\.(parquet|mp4)")
_OTHERS = re.compile(r"meta/(info\.json|stats\.json|tasks\.parquet)")


def open_folder(path: Path, *, append: bool) -> Layout | None:
    """Prepare a folder for ``EpisodeWriter``, which holds its lock.

    Args:
        path: The folder; it need not exist.
        append: Whether the folder may hold a dataset.

    Returns:
        The layout of the dataset in the folder; None if there is none yet.

    Raises:
        FileExistsError: The folder holds a dataset and `append` is False, or it holds other files.
        ValueError: The folder holds a dataset by other software, or a damaged one.
    """
    if not (path / INFO).is_file():
        _check_empty(path)
        layout = None
    elif not append:
        raise FileExistsError(f"`path` must be a new folder, got the dataset {path}. Pass append=True to add to it.")
    else:
        layout = read_layout(path)
        if not layout.own:
            raise ValueError(
                f"`path` must be a dataset that vdworld wrote, got {path} by other software. Write into a new folder."
            )
        _complete_statistics(path, layout)
    _remove_leftovers(path, next_file_number(layout))
    return layout


def next_file_number(layout: Layout | None) -> int:
    """Return the number of the file to write next, counted over all chunks."""
    places = [entry.data_file for entry in layout.entries] if layout is not None else []
    return max((chunk * FILES_PER_CHUNK + file + 1 for chunk, file in places), default=0)


def agreed_value(path: Path, name: str, value: Any, stored: Any) -> Any:
    """Return the stored value of an argument, with which a new value must agree.

    Args:
        path: The dataset folder, for the message.
        name: The name of the argument.
        value: Its new value; None agrees with any stored value.
        stored: The value that the folder holds.

    Raises:
        ValueError: The values differ.
    """
    if value is None or value == stored:
        return stored
    if isinstance(value, dict) and isinstance(stored, dict):
        differing = [key for key in {**stored, **value} if value.get(key) != stored.get(key)]
        value, stored = ({key: values.get(key) for key in differing} for values in (value, stored))
    raise ValueError(f"`{name}` must be {stored} as in {path}, got {value}. Write to another folder instead.")


def _check_empty(path: Path) -> None:
    """Raise an error if the folder holds anything but leftovers of a recording."""
    files = (file for file in path.rglob("*") if file.is_file() and file != path / LOCK)
    foreign = next((file for file in files if _number(file) is None and not _OTHERS.search(_final_name(file))), None)
    if foreign is not None:
        raise FileExistsError(f"`path` must be a new or empty folder, got {path} with {foreign} in it. Choose another.")


def _complete_statistics(path: Path, layout: Layout) -> None:
    """Rename the statistics if the last writer died after it had counted its episodes and before it could."""
    stats, pending = path / STATS, path / f"{STATS}{SUFFIX}"
    if pending.is_file() and file_checksum(pending) == layout.checksums.get(STATS):
        replace(pending, stats)
    layout.verify(stats)


def _remove_leftovers(path: Path, next_number: int) -> None:
    """Remove unfinished files, and finished ones whose episodes were never counted."""
    for folder in ("data", "videos", "meta"):
        for file in [file for file in (path / folder).rglob("*") if file.is_file()]:
            number = _number(file)
            if file.name.endswith(SUFFIX) or (number is not None and number >= next_number):
                file.unlink()


def _final_name(file: Path) -> str:
    return file.as_posix().removesuffix(SUFFIX)


def _number(file: Path) -> int | None:
    match = _NUMBERED.search(_final_name(file))
    return None if match is None else int(match[1]) * FILES_PER_CHUNK + int(match[2])
