"""Whatever ends a recording, what was flushed stays readable and can be continued."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vdworld.data import EpisodeWriter, load_dataset
from vdworld.storage.atomic_files import PendingFile

WRITE_WITH_LITTLE_ROOM = """
    import resource, signal, sys
    import numpy as np
    from vdworld.data import EpisodeWriter

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    rng = np.random.default_rng(0)
    with EpisodeWriter(sys.argv[1], fps=10, steps_per_file=10) as writer:
        for episode in range(4):
            if episode == 2:  # from here on, no file may grow beyond what a disk that fills up would allow
                resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
            writer.add(rng.integers(0, 256, (11, 64, 64, 3), dtype=np.uint8), rng.normal(size=(10, 2)))
"""


def check(path: Path, make_arrays: Callable, count: int) -> None:
    dataset = load_dataset(path)
    assert len(dataset) == count
    for seed, episode in enumerate(dataset):
        np.testing.assert_array_equal(episode.frames["top"], make_arrays(seed, 5)["frames"]["top"])
        np.testing.assert_array_equal(episode.actions, make_arrays(seed, 5)["actions"])


def test_a_full_disk_costs_only_what_was_not_flushed(tmp_path: Path) -> None:
    code = textwrap.dedent(WRITE_WITH_LITTLE_ROOM)
    run = subprocess.run([sys.executable, "-c", code, tmp_path, "50000"], capture_output=True, text=True)
    assert run.returncode == 1
    assert f"OSError: [Errno {errno.EFBIG}] Writing to {tmp_path} failed" in run.stderr
    assert "2 episodes (20 steps) are safe and stay readable" in run.stderr
    dataset = load_dataset(tmp_path)
    assert len([episode.frames for episode in dataset]) == 2
    assert not list(tmp_path.rglob("*.tmp")), "a full disk is not filled further"
    assert len(list(tmp_path.rglob("*.mp4"))) == 2


@pytest.mark.parametrize("failing", ["file-001.mp4", "file-001.parquet", "stats.json", "info.json"])
def test_no_space_at_whichever_file_leaves_the_dataset_whole(
    tmp_path: Path, make_arrays: Callable, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    complete = PendingFile.complete

    def full(pending: PendingFile) -> None:
        if pending.path.name == failing and os.environ.get("DISK_FULL"):
            raise OSError(errno.ENOSPC, "No space left on device")
        complete(pending)

    monkeypatch.setattr(PendingFile, "complete", full)
    writer = EpisodeWriter(tmp_path, fps=10, steps_per_file=10)
    for seed in range(3):
        writer.add(**make_arrays(seed, 5))
    monkeypatch.setenv("DISK_FULL", "1")
    with pytest.raises(OSError, match=r"No space left.*2 episodes \(10 steps\) are safe") as raised:
        writer.add(**make_arrays(3, 5))
    assert raised.value.errno == errno.ENOSPC
    assert writer.num_episodes == 2
    check(tmp_path, make_arrays, 2)
    assert len(list(tmp_path.glob("data/*/*"))) == 1, "other readers take every file that they find"
    monkeypatch.delenv("DISK_FULL")  # somebody made room
    for seed in (2, 3):
        writer.add(**make_arrays(seed, 5))
    writer.close()
    check(tmp_path, make_arrays, 4)


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_a_kill_at_any_moment_loses_only_the_last_set(
    tmp_path: Path, make_arrays: Callable, killed_at_each_change: Callable
) -> None:
    """And whoever continues ends with the files of a recording that nothing interrupted."""

    def write(path: Path) -> None:
        with EpisodeWriter(path, fps=10, append=(path / "meta/info.json").is_file(), steps_per_file=10) as writer:
            for seed in range(writer.num_episodes, 5):
                writer.add(**make_arrays(seed, 5))

    killed = tmp_path / "killed"
    write(tmp_path / "whole")
    survivors = []
    clear = functools.partial(shutil.rmtree, killed, ignore_errors=True)
    for _ in killed_at_each_change(killed, lambda: write(killed), clear, stride=3):
        survivors.append(len(load_dataset(killed)) if (killed / "meta/info.json").is_file() else 0)
        write(killed)
        assert contents(killed) == contents(tmp_path / "whole")
    assert survivors == sorted(survivors)
    assert set(survivors) == {0, 2, 4, 5}
    check(killed, make_arrays, 5)


def test_a_writer_in_use_is_left_alone(tmp_path: Path, make_arrays: Callable) -> None:
    with EpisodeWriter(tmp_path, fps=10) as writer:
        writer.add(**make_arrays(0, 5))
        writer.flush()
        writer.add(**make_arrays(1, 5))
        with pytest.raises(BlockingIOError, match=rf"{tmp_path} is being written by process {os.getpid()}"):
            EpisodeWriter(tmp_path, fps=10, append=True)
        writer.add(**make_arrays(2, 5))
    check(tmp_path, make_arrays, 3)
    with pytest.raises(ValueError, match="The writer of .* is closed. Open the folder again with append=True"):
        writer.add(**make_arrays(3, 5))


def test_a_folder_that_was_removed_meanwhile_is_not_called_safe(tmp_path: Path, make_arrays: Callable) -> None:
    writer = EpisodeWriter(tmp_path / "data", fps=10)
    writer.add(**make_arrays(0, 5))
    writer.flush()
    writer.add(**make_arrays(1, 5))
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(OSError, match=r"Writing to .*data failed .* removed or moved meanwhile. Record it again"):
        writer.close()


def test_a_crash_before_the_first_flush_does_not_block_the_folder(
    tmp_path: Path, make_arrays: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    EpisodeWriter(tmp_path, fps=10).add(**make_arrays(0, 5))  # never closed
    assert [path.name for path in tmp_path.rglob("*.tmp")] == ["file-000.mp4.tmp"]
    with pytest.raises(FileNotFoundError, match="interrupted before its first flush"):
        load_dataset(tmp_path)
    with EpisodeWriter(tmp_path, fps=10) as writer:
        writer.add(**make_arrays(0, 5))
    check(tmp_path, make_arrays, 1)


def test_an_exception_in_the_users_loop_keeps_the_whole_episodes(tmp_path: Path, make_arrays: Callable) -> None:
    with pytest.raises(KeyboardInterrupt), EpisodeWriter(tmp_path, fps=10) as writer:  # noqa: PT012
        for seed in range(3):
            writer.add(**make_arrays(seed, 5))
        raise KeyboardInterrupt
    check(tmp_path, make_arrays, 3)


@pytest.mark.parametrize("before", [0, 1, 2])
def test_an_interrupt_within_an_episode_keeps_the_ones_before(
    tmp_path: Path, make_arrays: Callable, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    writer = EpisodeWriter(tmp_path, fps=10)
    for seed in range(before):
        writer.add(**make_arrays(seed, 5))
    monkeypatch.setattr("vdworld.data.shard.rows_of", interrupted)  # the frames are written already
    with pytest.raises(KeyboardInterrupt):
        writer.add(**make_arrays(before, 5))
    monkeypatch.undo()
    for seed in range(before, 4):
        writer.add(**make_arrays(seed, 5))
    writer.close()
    check(tmp_path, make_arrays, 4)
