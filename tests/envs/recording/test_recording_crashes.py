"""Recording, ended in the ways in which people and machines end it."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from vdworld.data import EpisodeWriter, load_dataset
from vdworld.envs import record

ID = "test/Counter-v0"
SCRIPT = """
    import functools, sys
    import gymnasium as gym
    from vdworld.envs.recording import recorder

    gym.register("test/Counter-v0", entry_point="vdworld.envs.games.scripted:CounterEnv", max_episode_steps=30)
    recorder.EpisodeWriter = functools.partial(recorder.EpisodeWriter, steps_per_file=100)
    recorder.record("test/Counter-v0", sys.argv[1], num_steps=10**6, num_envs=1)
"""


@pytest.fixture(autouse=True)
def counter() -> Iterator[None]:
    gym.register(ID, entry_point="vdworld.envs.games.scripted:CounterEnv", max_episode_steps=30)
    yield
    del gym.registry[ID]


def wait_for(path: Path, over: Callable[[], bool]) -> None:
    while not path.exists() and not over():
        time.sleep(0.02)


def test_after_kill_9_the_same_call_continues(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path / "killed")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for(tmp_path / "killed/meta/info.json", lambda: process.poll() is not None)
    process.kill()
    process.communicate()
    safe = load_dataset(tmp_path / "killed")
    steps = safe.num_steps + 50
    assert steps >= 150
    resumed = record(ID, tmp_path / "killed", num_steps=steps, num_envs=1, progress=False)
    unbroken = record(ID, tmp_path / "unbroken", num_steps=steps, num_envs=1, progress=False)
    assert len(resumed) == len(unbroken)
    for first, second in zip(resumed, unbroken, strict=True):
        assert first.actions.tolist() == second.actions.tolist()
        assert first.frames["pixels"].tobytes() == second.frames["pixels"].tobytes()
        assert (first.split, first.seed) == (second.split, second.seed)
    assert not list((tmp_path / "killed").rglob("*.tmp"))


def test_ctrl_c_flushes_what_is_whole_and_says_how_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = functools.partial(EpisodeWriter, steps_per_file=100)
    monkeypatch.setattr("vdworld.envs.recording.recorder.EpisodeWriter", writer)
    done = threading.Event()

    def press() -> None:
        wait_for(tmp_path / "meta/info.json", done.is_set)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt) as raised:
        record(ID, tmp_path, num_steps=10**6, num_envs=2, progress=False)
    done.set()
    presser.join()
    dataset = load_dataset(tmp_path)
    assert dataset.num_steps >= 100
    assert str(raised.value) == (
        f"Recording stopped: {dataset.num_episodes} episodes ({dataset.num_steps} steps) are safe in {tmp_path}. "
        "The same call continues it."
    )
    assert not list(tmp_path.rglob("*.tmp"))


def test_ctrl_c_within_an_episode_leaves_that_one_out(tmp_path: Path) -> None:
    calls = []

    def impatient(observation: dict[str, Any], space: gym.Space, rng: np.random.Generator) -> int:
        calls.append(0)
        if len(calls) == 75:  # the third episode
            signal.raise_signal(signal.SIGINT)
        return 1

    with pytest.raises(KeyboardInterrupt, match=r"Recording stopped: 2 episodes \(60 steps\) are safe in .*continues"):
        record(ID, tmp_path, num_steps=500, num_envs=1, policy=impatient, progress=False)
    assert len(calls) == 75
    assert load_dataset(tmp_path).num_steps == 60
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
