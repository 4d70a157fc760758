"""A folder has one writer at a time, and a dead one holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vdworld.storage import folder_lock
from vdworld.storage.folder_lock import LOCK, FolderLock

HOLD = """
import signal, sys, time
from pathlib import Path
from vdworld.storage.folder_lock import FolderLock
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_with_the_process_id_of_the_first(tmp_path: Path, holder) -> None:
    with pytest.raises(BlockingIOError, match=rf"{tmp_path} is being written by process {holder.pid} on "):
        FolderLock(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_dead_process_holds_nothing(tmp_path: Path, holder, number: int) -> None:
    holder.send_signal(number)
    holder.wait()
    assert (tmp_path / LOCK).exists(), "its file stays"
    with FolderLock(tmp_path):
        assert (tmp_path / LOCK).read_text().startswith(f"process {os.getpid()} on ")
    assert not (tmp_path / LOCK).exists()


def test_one_process_has_one_writer_too(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "new"):
        with pytest.raises(BlockingIOError, match=f"process {os.getpid()}"):
            FolderLock(tmp_path / "new")
        FolderLock(tmp_path).release()
    FolderLock(tmp_path / "new").release()


def test_a_writer_that_was_forgotten_holds_nothing(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    del lock
    FolderLock(tmp_path).release()


def test_the_patient_wait_for_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FolderLock(tmp_path)
    monkeypatch.setattr(folder_lock.time, "sleep", lambda _: first.release())
    FolderLock(tmp_path, patience=60.0).release()


def test_a_lock_that_its_holder_removed_is_not_taken_for_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last holder removes the file between the moments in which the next one opens and locks it."""
    lock, calls = folder_lock._lock, []

    def slow(descriptor: int) -> bool:
        if not calls:
            (tmp_path / LOCK).unlink()
        calls.append(descriptor)
        return lock(descriptor)

    monkeypatch.setattr(folder_lock, "_lock", slow)
    held = FolderLock(tmp_path)
    assert len(calls) == 2
    with pytest.raises(BlockingIOError):
        FolderLock(tmp_path)
    held.release()


def test_file_systems_without_locks_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", unsupported)
    with pytest.raises(OSError, match=r"can't lock files \(Operation not supported\).* set VDWORLD_LOCKS=off"):
        FolderLock(tmp_path)
    monkeypatch.setenv("VDWORLD_LOCKS", "off")
    FolderLock(tmp_path).release()
