"""A fake ``vdworld train``, and a folder with a dataset and a world that the verbs made."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import pytest

from vdworld.cli import main
from vdworld.commands import train

COUNTER = ["env=vdworld-test/Counter-v0", "num_steps=60", "max_episode_steps=12", "test_fraction=0.4"]
SMALLEST = ["trainer.max_steps=2", "trainer.batch_size=2", "network.width=16", "network.coarse_width=32"]


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Replace ``vdworld train`` by a function that keeps its configurations, in an empty folder."""
    configs = []
    monkeypatch.setattr(train, "run", configs.append)
    monkeypatch.chdir(tmp_path)
    return configs


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """Return a folder with a dataset in ``data`` and a world in ``world``, made by the verbs."""
    folder = tmp_path_factory.mktemp("home")
    if "vdworld-test/Counter-v0" not in gym.registry:
        gym.register("vdworld-test/Counter-v0", entry_point="vdworld.envs.games.scripted:CounterEnv")
    assert main(["record", *COUNTER, f"output={folder}/data"]) == 0
    assert main(["train", *SMALLEST, f"data={folder}/data", f"output={folder}/world"]) == 0
    return folder
