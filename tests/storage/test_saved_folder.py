"""A folder that is saved whole holds the old content or the new one, never a mixture and never nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vdworld.storage import saved_folder
from vdworld.storage.saved_folder import FolderContent, SavedFolder, read_folder, save_folder

FILES = ("a.safetensors", "b.safetensors", "inner/config.json", "inner/c.safetensors")


def content(value: float, *, second: bool = True) -> FolderContent:
    """A description, two files of tensors, a text and a folder inside, which all hold the value."""
    tensors = {"x": torch.full((3,), value)}
    inner = FolderContent({"value": value}, {"c.safetensors": tensors})
    files = {"a.safetensors": tensors, "b.safetensors": tensors if second else None}
    return FolderContent({"value": value}, files, {"README.md": f"holds {value}"}, {"inner": inner})


def values(folder: SavedFolder) -> set[float]:
    """All values in a folder; one if nothing is mixed."""
    inner = folder.folder("inner")
    parts = [folder.tensors(file) for file in FILES[:2] if file in folder] + [inner.tensors("c.safetensors")]
    return {folder.description["value"], inner.description["value"], *(part["x"][0].item() for part in parts)}


def names(path: Path) -> list[str]:
    return sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())


def test_what_was_saved_comes_back_and_nothing_else_lies_there(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("mine")
    save_folder(tmp_path, content(1.0))
    assert values(read_folder(tmp_path, FILES)) == {1.0}
    assert names(tmp_path) == sorted([*FILES, "README.md", "config.json", "log"])
    save_folder(tmp_path, content(2.0, second=False))
    assert values(read_folder(tmp_path, FILES)) == {2.0}
    assert "b.safetensors" not in names(tmp_path)
    assert (tmp_path / "README.md").read_text() == "holds 2.0"
    assert (tmp_path / "log").read_text() == "mine"


def test_files_have_the_permissions_of_the_users_mask(tmp_path: Path) -> None:
    save_folder(tmp_path, content(1.0))
    (tmp_path / "mine").touch()
    modes = {(tmp_path / file).stat().st_mode for file in ("mine", "config.json", "a.safetensors", "README.md")}
    assert len(modes) == 1


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_content(
    tmp_path: Path, killed_at_each_change: Callable
) -> None:
    folder = tmp_path / "saved"

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        save_folder(folder, content(1.0))

    outcomes = []
    for _ in killed_at_each_change(folder, lambda: save_folder(folder, content(2.0, second=False)), prepare):
        outcome = values(read_folder(folder, FILES))
        assert outcome in ({1.0}, {2.0})
        outcomes += outcome
        save_folder(folder, content(3.0))
        assert values(read_folder(folder, FILES)) == {3.0}
        assert names(folder) == sorted([*FILES, "README.md", "config.json"])
    assert len(outcomes) > 20
    assert outcomes == sorted(outcomes), "once saved, always saved"
    assert set(outcomes) == {1.0, 2.0}


def test_a_reader_meets_writers_and_gets_one_content(tmp_path: Path) -> None:
    save_folder(tmp_path, content(0.0))

    def write(first: int) -> None:
        for number in range(first, first + 10):
            save_folder(tmp_path, content(float(number), second=number % 2 == 0))

    writers = [threading.Thread(target=write, args=(first,)) for first in (100, 200)]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        seen.append(values(read_folder(tmp_path, FILES)))
    assert {len(value) for value in seen} == {1}
    assert values(read_folder(tmp_path, FILES)) < {109.0, 209.0}


@pytest.mark.parametrize("file", ["a.safetensors", "inner/c.safetensors", "inner/config.json", "config.json"])
def test_a_flipped_bit_changes_no_value(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_folder, "_PAUSE", 0.0)
    save_folder(tmp_path, content(1.0))
    original = (tmp_path / file).read_bytes()
    for position in range(0, len(original), 7):
        changed = bytearray(original)
        changed[position] ^= 1 << position % 8
        (tmp_path / file).write_bytes(changed)
        with contextlib.suppress(ValueError, FileNotFoundError):
            assert values(read_folder(tmp_path, FILES)) == {1.0}  # as if a space became another one


@pytest.mark.parametrize("failing", [*FILES, "README.md", "config.json"])
def test_a_full_disk_keeps_the_old_content_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    save_folder(tmp_path, content(1.0))
    fsync, limits = os.fsync, tmp_path / ".new" / failing

    def full(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}").removesuffix(".tmp")
        if path == str(limits):
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=rf"No space left on device: '.*{failing}'"):
        save_folder(tmp_path, content(2.0))
    monkeypatch.undo()
    assert values(read_folder(tmp_path, FILES)) == {1.0}
    assert not (tmp_path / ".new").exists()


def test_an_error_of_the_tensor_library_is_a_system_error_with_the_path(tmp_path: Path, monkeypatch) -> None:
    safetensors = saved_folder.require("safetensors", "all")

    def full(*_: object) -> None:
        raise safetensors.SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OSError, match=r"Writing .*safetensors failed: I/O error: No space left"):
        save_folder(tmp_path, content(1.0))


def test_folders_without_checksums_are_read_as_they_are(tmp_path: Path, edit_json: Callable) -> None:
    save_folder(tmp_path, content(1.0))
    edit_json(tmp_path / "config.json", lambda values: None)
    edit_json(tmp_path / "inner" / "config.json", lambda values: None)
    (tmp_path / "b.safetensors").unlink()
    folder = read_folder(tmp_path, FILES)
    assert values(folder) == {1.0}
    assert "b.safetensors" not in folder
    with pytest.raises(FileNotFoundError, match=r"b.safetensors is missing"):
        folder.tensors("b.safetensors")


def test_nothing_outside_the_folder_is_moved(tmp_path: Path, edit_json: Callable) -> None:
    """A downloaded description may list any name."""
    folder = tmp_path / "world"
    save_folder(folder, content(1.0))
    (tmp_path / "secret").write_text("mine")
    digest = saved_folder.file_checksum(tmp_path / "secret")
    (folder / ".new").mkdir()
    for name in ("../../secret", str(tmp_path / "secret")):
        edit_json(folder / "config.json", lambda values, name=name: values.update(checksums={name: digest}))
        save_folder(folder, content(2.0))
    assert (tmp_path / "secret").read_text() == "mine"
    assert names(tmp_path) == sorted([*(f"world/{file}" for file in [*FILES, "README.md", "config.json"]), "secret"])
