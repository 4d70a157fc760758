"""Open a folder for writing: new, or to append to; clear away what a broken-off recording left."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vdworld.data.atomic_files import SUFFIX
from vdworld.data.layout import FILES_PER_CHUNK, INFO, Layout, read_layout

_NUMBERED = re.compile(r"chunk-(\d+)/file-(\d+)\.(parquet|mp4)")
_OTHERS = re.compile(r"meta/(info\.json|stats\.json|tasks\.parquet)")


def open_folder(path: Path, *, append: bool) -> Layout | None:
    """Make a folder ready for ``EpisodeWriter``.

    Returns:
        What the folder holds already; None if nothing yet.

    Raises:
        FileExistsError: It holds a dataset and `append` is False, or something that is no dataset.
        ValueError: It holds a dataset that other software wrote, or a damaged one.
    """
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"`path` must be a folder, got the file {path}. Choose another name.")
    if not (path / INFO).is_file():
        _check_free(path)
        layout = None
    elif not append:
        raise FileExistsError(f"`path` must be a new folder, got the dataset {path}. Pass append=True to add to it.")
    else:
        layout = read_layout(path)
        if not layout.own:
            raise ValueError(
                f"`path` must be a dataset that vdworld wrote, got {path} by other software. Write into a new folder."
            )
    _remove_leftovers(path, next_file_number(layout))
    return layout


def next_file_number(layout: Layout | None) -> int:
    """Return the number, counted over all chunks, of the file to write next."""
    places = [entry.data_file for entry in layout.entries] if layout is not None else []
    return max((chunk * FILES_PER_CHUNK + file + 1 for chunk, file in places), default=0)


def agree(path: Path, name: str, given: Any, stored: Any) -> Any:
    """Return the value to go on with: the stored one, which a given one must equal.

    Raises:
        ValueError: They differ.
    """
    if given is None or given == stored:
        return stored
    if isinstance(given, dict) and isinstance(stored, dict):
        differing = [key for key in {**stored, **given} if given.get(key) != stored.get(key)]
        given, stored = ({key: values.get(key) for key in differing} for values in (given, stored))
    raise ValueError(f"`{name}` must be {stored} as in {path}, got {given}. Write into another folder instead.")


def _check_free(path: Path) -> None:
    """Refuse a folder that holds anything other than the remains of a recording."""
    files = (file for file in path.rglob("*") if file.is_file())
    foreign = next((file for file in files if _number(file) is None and not _OTHERS.search(_plain(file))), None)
    if foreign is not None:
        raise FileExistsError(f"`path` must be a new or empty folder, got {path} with {foreign} in it. Choose another.")


def _remove_leftovers(path: Path, next_number: int) -> None:
    """Remove files under construction, and finished ones whose episodes were never counted."""
    for folder in ("data", "videos", "meta"):
        for file in [file for file in (path / folder).rglob("*") if file.is_file()]:
            number = _number(file)
            if file.name.endswith(SUFFIX) or (number is not None and number >= next_number):
                file.unlink()


def _plain(file: Path) -> str:
    return file.as_posix().removesuffix(SUFFIX)


def _number(file: Path) -> int | None:
    match = _NUMBERED.search(_plain(file))
    return None if match is None else int(match[1]) * FILES_PER_CHUNK + int(match[2])
