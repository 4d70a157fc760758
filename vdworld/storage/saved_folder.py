"""Folders that are saved whole: a reader gets the old content or the new one, whenever the writer is killed.

``save_folder`` writes all files into the hidden folder ``.new`` and then replaces the description, which holds the
checksums of the other files. This one rename is the moment of the save. The other files follow; until they have, a
reader takes those with the right checksums from ``.new``.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from vdworld.extras import require
from vdworld.json_values import MAX_BYTES, parse_json, read_bytes, read_json
from vdworld.storage.atomic_files import make_folder, replace, sync, write_file, write_json
from vdworld.storage.checksums import checksum, file_checksum, seal, unseal
from vdworld.storage.folder_lock import FolderLock
from vdworld.storage.interrupts import uninterrupted

CONFIG = "config.json"
NEW, LOCK = ".new", ".saving"
_PATIENCE = 60.0  # seconds to wait for another writer
_ATTEMPTS, _PAUSE = 100, 0.02  # of a reader that meets a writer, and seconds between them


@dataclass(frozen=True)
class FolderContent:
    """What a folder is to hold.

    Args:
        description: Plain JSON values.
        tensors: Tensors by file name and name; None removes the file.
        texts: Texts by file name.
        folders: Folders inside, which are saved together with this one. Their description is ``config.json``.
    """

    description: Mapping[str, Any]
    tensors: Mapping[str, Mapping[str, Tensor] | None] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, FolderContent] = field(default_factory=dict)


@dataclass(frozen=True)
class SavedFolder:
    """What a folder holds, read at one moment.

    Args:
        path: The folder.
        description: The values of its description.
        files: The content of its other files by name.
    """

    path: Path
    description: dict[str, Any]
    files: Mapping[str, bytes]

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Return the tensors of a file.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is damaged.
        """
        if name not in self.files:
            raise FileNotFoundError(f"{self.path / name} is missing. Copy or save the folder again.")
        try:
            return require("safetensors.torch", "all").load(self.files[name])
        except (
            require("safetensors", "all").SafetensorError,
            LookupError,
            TypeError,
            ValueError,
            RuntimeError,
        ) as error:
            cause = " ".join(str(error).split())
            raise ValueError(f"{self.path / name} is damaged: {cause}. Copy or save the folder again.") from error

    def folder(self, name: str) -> SavedFolder:
        """Return a folder inside."""
        files = {
            file.removeprefix(f"{name}/"): data for file, data in self.files.items() if file.startswith(f"{name}/")
        }
        path = self.path / name
        if CONFIG not in files:
            raise FileNotFoundError(f"{path / CONFIG} is missing. Copy or save the folder again.")
        description, checksums = unseal(parse_json(files.pop(CONFIG), path / CONFIG), path / CONFIG)
        for file, content in files.items():
            if checksums.get(file, checksum(content)) != checksum(content):
                raise _damaged(path / file, path / CONFIG)
        return SavedFolder(path, description, files)


def save_folder(path: Path, content: FolderContent, name: str = CONFIG) -> None:
    """Save a folder; other files in it, such as logs, are kept.

    Args:
        path: The folder; it is created if it does not exist.
        content: What it is to hold.
        name: The file name of its description.

    Raises:
        OSError: The disk is full or failed; the older content stays readable.
    """
    make_folder(path)
    with FolderLock(path, name=LOCK, patience=_PATIENCE), uninterrupted():
        _finish_move(path, name)
        try:
            _write(path / NEW, content, name)
        except BaseException:
            shutil.rmtree(path / NEW, ignore_errors=True)
            raise
        replace(path / NEW / name, path / name)
        _finish_move(path, name)
        for file in [file for file, tensors in content.tensors.items() if tensors is None]:
            (path / file).unlink(missing_ok=True)


def read_folder(path: Path, files: Sequence[str], name: str = CONFIG) -> SavedFolder:
    """Read a folder that ``save_folder`` wrote; what does not exist is left out.

    Args:
        path: The folder.
        files: The names of the files to read, beside the description.
        name: The file name of the description.

    Raises:
        FileNotFoundError: There is no description, or a file is missing that it lists.
        ValueError: A file is damaged, or belongs to another description.
    """
    for attempt in range(_ATTEMPTS):
        before = read_bytes(path / name, MAX_BYTES)
        try:
            return _read(path, files, name, before)
        except (FileNotFoundError, ValueError):
            if attempt > 2 and (path / name).read_bytes() == before:
                raise  # nobody is saving
            time.sleep(_PAUSE)
    raise TimeoutError(f"{path} is being saved again and again. Read it when its writer has stopped.")


def _read(path: Path, files: Sequence[str], name: str, description: bytes) -> SavedFolder:
    values, checksums = unseal(parse_json(description, path / name), path / name)
    found: dict[str, bytes] = {}
    for file in files:
        if file in checksums:
            found[file] = _find(path, file, checksums[file], name)
        elif not checksums and (path / file).is_file():  # by an earlier version
            found[file] = (path / file).read_bytes()
    return SavedFolder(path, values, found)


def _find(path: Path, file: str, expected: str, name: str) -> bytes:
    """Return the content of a file with the expected checksum."""
    found = False
    for candidate in (path / file, path / NEW / file, path / file):  # it may move between the first two
        if candidate.is_file():
            found = True
            content = candidate.read_bytes()
            if checksum(content) == expected:
                return content
    if not found:
        raise FileNotFoundError(f"{path / file} is missing, which {path / name} lists. Copy or save the folder again.")
    raise _damaged(path / file, path / name)


def _write(folder: Path, content: FolderContent, name: str) -> dict[str, str]:
    """Write all files of a folder, the description last, and return the checksums of all of them."""
    make_folder(folder)
    checksums: dict[str, str] = {}
    for inner, inner_content in content.folders.items():
        written = _write(folder / inner, inner_content, CONFIG)
        checksums |= {f"{inner}/{file}": value for file, value in written.items()}
    for file, tensors in content.tensors.items():
        if tensors is not None:
            _write_tensors(folder / file, tensors)
            checksums[file] = file_checksum(folder / file)
    for file, text in content.texts.items():
        write_file(folder / file, text.encode())
        checksums[file] = file_checksum(folder / file)
    write_json(folder / name, seal(content.description, name, checksums))
    return {**checksums, name: file_checksum(folder / name)}


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    safetensors = require("safetensors.torch", "all")
    path.touch()
    mode = path.stat().st_mode  # as the user's mask has it; safetensors makes files that only their owner may read
    try:
        safetensors.save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, path)
    except require("safetensors", "all").SafetensorError as error:
        raise OSError(f"Writing {path} failed: {error}.") from error
    path.chmod(mode)
    sync(path)


def _finish_move(path: Path, name: str) -> None:
    """Move the files that the description lists out of ``.new``, and remove what else is in there."""
    new = path / NEW
    if not new.is_dir():
        return
    try:
        listed = unseal(read_json(path / name), path / name)[1]
    except (FileNotFoundError, ValueError):
        listed = {}  # nothing to complete
    for file in [file for file in new.rglob("*") if file.is_file()]:
        inside = file.relative_to(new)
        if listed.get(inside.as_posix()) == file_checksum(file):
            make_folder((path / inside).parent)
            replace(file, path / inside)
    shutil.rmtree(new)


def _damaged(file: Path, description: Path) -> ValueError:
    return ValueError(
        f"{file} is damaged: it is not the file that {description} was saved with. Copy or save the folder again."
    )
