"""Recording in a process of its own, ended in the ways in which people and machines end it."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from vdworld.data import load_dataset
from vdworld.envs import record

ID = "test/Counter-v0"
SCRIPT = """
    import sys
    import gymnasium as gym
    import vdworld.data.writer
    from vdworld.envs import record

    gym.register("test/Counter-v0", entry_point="vdworld.envs.scripted:CounterEnv", max_episode_steps=30)
    vdworld.data.writer.EpisodeWriter.__init__.__kwdefaults__["steps_per_file"] = 100
    record("test/Counter-v0", sys.argv[1], num_steps=10**6, num_envs=int(sys.argv[2]))
"""


@pytest.fixture(autouse=True)
def counter() -> Iterator[None]:
    gym.register(ID, entry_point="vdworld.envs.scripted:CounterEnv", max_episode_steps=30)
    yield
    del gym.registry[ID]


def start(path: Path, num_envs: int) -> subprocess.Popen[str]:
    """Begin to record, and wait until something is safe."""
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path), str(num_envs)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for _ in range(3_000):
        if (path / "meta/info.json").exists() or process.poll() is not None:
            return process
        time.sleep(0.02)
    raise TimeoutError("The recording did not begin.")


def test_after_kill_9_the_same_call_goes_on(tmp_path: Path) -> None:
    process = start(tmp_path / "killed", num_envs=1)
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


def test_ctrl_c_flushes_what_is_whole_and_says_how_much(tmp_path: Path) -> None:
    process = start(tmp_path, num_envs=2)
    process.send_signal(signal.SIGINT)
    _, output = process.communicate()
    assert process.returncode != 0
    dataset = load_dataset(tmp_path)
    said = f"Recording stopped: {dataset.num_episodes} episodes ({dataset.num_steps} steps) are safe in {tmp_path}."
    assert said in output
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
