"""``vdworld benchmark planning``: planners beside a clone, in one command."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from tests.envs.random_world import random_world
from vdworld.cli import main
from vdworld.data import EpisodeWriter
from vdworld.spec import EnvironmentSpec

QUICK = ["planners=[random_shooting,beam_search]", "horizon=2", "num_candidates=6", "num_iterations=1", "device=cpu"]
QUICK += ["num_episodes=2", "max_steps=2", "num_sampling_steps=1", "env=vdworld-test/Counter-v0"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    if "vdworld-test/Counter-v0" not in gym.registry:
        gym.register("vdworld-test/Counter-v0", entry_point="vdworld.envs.games.scripted:CounterEnv")
    rng, space = np.random.default_rng(0), gym.spaces.Discrete(5)
    spec = EnvironmentSpec("vdworld-test/Counter-v0", image_size=(8, 16))
    with EpisodeWriter(tmp_path / "data", fps=5, action_space=space, spec=spec) as writer:
        for _ in range(4):
            writer.add({"image": rng.integers(0, 256, (12, 8, 16, 3), dtype=np.uint8)}, rng.integers(0, 5, 11))
    random_world(space).save_pretrained(tmp_path / "world")
    return tmp_path


def test_planners_are_compared_with_a_clone_and_the_baselines(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["num_updates=1", "horizon=4", "hidden_dim=8", "device=cpu"]
    assert main(["clone", f"data={home}/data", f"output={home}/clone", *small]) == 0
    words = [f"world={home}/world", f"data={home}/data", f"policy={home}/clone", f"output={home}/out", *QUICK]
    assert main(["benchmark", "planning", *words]) == 0
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line]
    assert {"random_shooting", "beam_search", "policy", "random", "no-op"} <= set(rows)
    figures = json.loads((home / "out/planning.json").read_text())
    assert list(figures["control"]["agents"]) == ["random_shooting", "beam_search", "policy", "random", "no-op"]
    assert figures["about"]["command"].startswith("vdworld benchmark planning world=")


def test_an_unknown_planner_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"world={home}/world", f"data={home}/data", "planners=[cem]"]
    assert main(["benchmark", "planning", *words]) == 2
    assert "`planners` must be among random_shooting" in capsys.readouterr().err
