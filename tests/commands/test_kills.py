"""Whenever a verb is killed, nothing that was safe is lost, and whoever resumes it ends as if nothing had happened."""

from __future__ import annotations

import functools
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from vdworld.agents.policies import actor_critic
from vdworld.cli import main
from vdworld.data import EpisodeWriter, load_dataset
from vdworld.envs.recording import recorder
from vdworld.online import OnlineResult
from vdworld.training.checkpoint import has_checkpoint, load_checkpoint

RECORD = ["record", "env=vdworld/Bounce-v0", "image_size=16", "max_episode_steps=30", "num_envs=1", "num_steps=400"]
SMALL = ["network.width=16", "network.coarse_width=32", "device=cpu", "trainer.precision=float32"]
TRAIN = ["train", *SMALL, "trainer.batch_size=4", "trainer.num_rollout_gifs=0", "trainer.max_steps=8"]
TRAIN += ["trainer.checkpoint_every=2", "trainer.validate_every=3"]
LEARN = ["learn", "num_steps=240", "num_envs=4", "horizon=10", "hidden_dim=16", "device=cpu"]
ONLINE = ["learn", "online=true", "real.env=vdworld/Bounce-v0", "real.image_size=16", "real.max_episode_steps=20"]
ONLINE += ["real.num_episodes=2", "num_envs=2", "horizon=5", "hidden_dim=16", "device=cpu"]
ONLINE += ["rounds.num_real_steps=90", "rounds.num_first_real_steps=60", "rounds.num_round_real_steps=30"]
ONLINE += ["rounds.num_first_world_steps=3", "rounds.num_round_world_steps=2"]
ONLINE += ["rounds.num_first_dream_steps=20", "rounds.num_round_dream_steps=10"]
ONLINE += ["training.network={width: 16, coarse_width: 32}"]
ONLINE += ["training.trainer={batch_size: 2, num_rollout_gifs: 0, checkpoint_every: 1}"]
CLONE = ["clone", "num_updates=4", "batch_size=4", "horizon=5", "hidden_dim=16", "device=cpu"]
EVALUATE = ["evaluate", "num_clips=2", "steps=[1]", "device=cpu"]
PLAN = ["plan", "planner=random_shooting", "num_episodes=1", "max_steps=3", "device=cpu"]


@dataclass(frozen=True)
class Case:
    """A verb that is killed.

    Args:
        words: What the user types, without folders.
        results: Patterns of the files that must be those of a run that nothing interrupted.
        count_safe: Counts what is safe in a folder; raises an error if it is damaged.
        inputs: Which of the folders ``world`` and ``data`` it takes.
        resumes: Whether it is continued with ``resume=true``.
        num_kills: How often it is killed by the slow test.
    """

    words: list[str]
    results: tuple[str, ...]
    count_safe: Callable[[Path], int]
    inputs: tuple[str, ...] = ()
    resumes: bool = True
    num_kills: int = 10


def count_steps(folder: Path) -> int:
    if not (folder / "meta/info.json").is_file():
        return 0
    dataset = load_dataset(folder)
    return sum(len(episode) for episode in dataset)


def count_training(folder: Path, name: str = "step") -> int:
    return load_checkpoint(folder)[1][name] if has_checkpoint(folder) else 0


def count_online(folder: Path) -> int:
    parts = count_steps(folder / "data"), count_training(folder / "world")
    return sum(parts) + count_training(folder / "policy", "num_steps") + 1000 * len(OnlineResult.load(folder).rounds)


def count_nothing(folder: Path) -> int:
    return 0


WORLD, POLICY = ("model.safetensors", "starts.safetensors"), ("model.safetensors", "config.json")
CASES = {
    "record": Case(RECORD, ("**/*.parquet", "**/*.mp4", "**/*.json"), count_steps),
    "train": Case(TRAIN, WORLD, count_training, ("data",), num_kills=12),
    "learn": Case(LEARN, POLICY, functools.partial(count_training, name="num_steps"), ("world",), num_kills=12),
    "online": Case(ONLINE, ("*/*.safetensors", "data/**/*.parquet", "data/**/*.mp4"), count_online, num_kills=12),
    "clone": Case(CLONE, POLICY, count_nothing, ("data",), resumes=False, num_kills=5),
    "evaluate": Case(EVALUATE, ("prediction.png",), count_nothing, ("world", "data"), resumes=False, num_kills=5),
    "plan": Case(PLAN, (), count_nothing, ("world", "data"), resumes=False, num_kills=4),
}


def run(words: list[str], log: Path, kill_after: float | None = None) -> int | None:
    """Run a verb in a process of its own; return its exit code, or None if it was killed first."""
    if (child := os.fork()) == 0:
        code = 1
        try:
            descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            actor_critic.CHECKPOINT_EVERY = 0.0
            recorder.EpisodeWriter = functools.partial(EpisodeWriter, steps_per_file=100)
            code = main(words)
        finally:
            os._exit(code)
    deadline = time.monotonic() + (kill_after if kill_after is not None else float("inf"))
    while (status := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            return None if os.WIFSIGNALED(os.waitpid(child, 0)[1]) else 0
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(status[1])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small dataset and a small world."""
    folder = tmp_path_factory.mktemp("inputs")
    paths = {"data": folder / "data", "world": folder / "world"}
    assert run([*RECORD, f"output={paths['data']}"], folder / "log") == 0, (folder / "log").read_text()
    words = [*TRAIN, f"data={paths['data']}", f"output={paths['world']}"]
    assert run(words, folder / "log") == 0, (folder / "log").read_text()
    return paths


def results(case: Case, folder: Path) -> dict[str, bytes]:
    files = {file for pattern in case.results for file in folder.glob(pattern)}
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def check_kills(case: Case, inputs: dict[str, Path], tmp_path: Path, num_kills: int, seed: int) -> None:
    """Kill a verb at random moments, complete it, and compare it with a run that nothing interrupted."""
    words = [*case.words, *(f"{name}={inputs[name]}" for name in case.inputs)]
    log, folder, start = tmp_path / "log", tmp_path / "killed", time.monotonic()
    assert run([*words, f"output={tmp_path / 'whole'}"], log) == 0, log.read_text()
    duration, rng, safe = time.monotonic() - start, random.Random(seed), 0
    resume = ["resume=true"] if case.resumes else []
    for _ in range(num_kills):
        run([*words, f"output={folder}", *resume], log, kill_after=rng.uniform(0, duration))
        assert "Traceback" not in log.read_text()
        if not case.resumes and (folder / "config.json").exists():
            break  # it came to its end
        before, safe = safe, case.count_safe(folder)
        assert safe >= before
    if case.resumes or not (folder / "config.json").exists():
        assert run([*words, f"output={folder}", *resume], log) == 0, log.read_text()
    expected = results(case, tmp_path / "whole")
    assert len(expected) >= len(case.results)
    assert results(case, folder) == expected


@pytest.mark.parametrize("name", ["record", "train"])
def test_a_killed_run_ends_as_if_nothing_had_happened(name: str, inputs: dict[str, Path], tmp_path: Path) -> None:
    check_kills(CASES[name], inputs, tmp_path, num_kills=2, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_sixty_kills_lose_nothing(name: str, inputs: dict[str, Path], tmp_path: Path) -> None:
    assert sum(case.num_kills for case in CASES.values()) == 60
    check_kills(CASES[name], inputs, tmp_path, CASES[name].num_kills, seed=1)
