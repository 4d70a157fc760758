"""Claims about agents by name: folders, files of Stable-Baselines3, and classes of the user's own."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from vdworld.agents import Policy, as_agent, load_agent
from vdworld.agents.recorded_agent import recorded
from vdworld.envs import record
from vdworld.envs.games.scripted import CounterEnv
from vdworld.spaces import ActionCodec

PICTURE = spaces.Box(0, 255, (36, 36, 3), np.uint8)
MODULE = """
import numpy as np


class Mine:
    def __init__(self, world=None):
        self.world = world

    def reset(self, mask, seed, goal, context):
        pass

    def act(self, frames):
        return np.full(len(frames), 2)


def make(device):
    mine = Mine()
    mine.device = device
    return mine


instance, number = Mine("ready"), 3


def nothing():
    return None
"""


class Pictures(gym.Env):
    observation_space, action_space = PICTURE, spaces.Box(-1.0, 1.0, (2,), np.float32)

    def __init__(self, action_space: gym.Space | None = None) -> None:
        self.action_space = action_space or self.action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(PICTURE.shape, np.uint8), {}

    def step(self, action: Any) -> Any:
        return np.zeros(PICTURE.shape, np.uint8), 0.0, False, False, {}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the working directory."""
    name = f"agents_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def test_a_class_a_function_or_an_agent_is_found_by_name(module: str) -> None:
    made: Any = load_agent(f"{module}:Mine", device="cpu", world="a world")
    assert made.world == "a world"
    made = load_agent(f"{module}:make", device="cpu", world="a world")
    assert (made.world, made.device) == (None, "cpu")
    made = load_agent(f"{module}:instance")
    assert made.world == "ready"


def test_other_names_are_refused(module: str, tmp_path: Path) -> None:
    for name, rule in (
        (f"{module}:Nobody", "`policy` must be the dotted name of a class or function, got"),
        ("no_such_module_at_all:Mine", "`policy` must be the dotted name of a class or function"),
        (f"{module}:number", "`policy` must name a class, a function or an agent, got .*, a int"),
        (f"{module}:nothing", "`policy` must make an agent .* got NoneType from"),
    ):
        with pytest.raises(ValueError, match=rule):
            load_agent(name)
    with pytest.raises(FileNotFoundError, match="There is no policy at"):
        load_agent(tmp_path / "nowhere")


def test_a_folder_is_read_as_before(tmp_path: Path) -> None:
    Policy(PICTURE, ActionCodec(spaces.Discrete(2)), hidden_dim=8).save_pretrained(tmp_path / "policy")
    assert isinstance(load_agent(tmp_path / "policy"), Policy)


@pytest.mark.parametrize("name", ["PPO", "A2C", "SAC", "TD3", "DDPG", "DQN"])
def test_a_file_of_stable_baselines3_is_loaded_whatever_its_algorithm(name: str, tmp_path: Path) -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    env = Pictures(spaces.Discrete(2) if name == "DQN" else None)
    small: dict[str, Any] = {"buffer_size": 2} if name in ("SAC", "TD3", "DDPG", "DQN") else {"n_steps": 2}
    small["policy_kwargs"] = {"net_arch": [4], "features_extractor_kwargs": {"features_dim": 4}}
    model = getattr(sb3, name)("CnnPolicy", env, seed=0, **small)
    model.save(tmp_path / "model.zip")
    for path in (tmp_path / "model.zip", tmp_path / "model"):
        loaded: Any = load_agent(path)
        assert isinstance(loaded, sb3.TD3 if name == "DDPG" else getattr(sb3, name))
        pixels = np.random.default_rng(0).integers(0, 256, (3, *PICTURE.shape), dtype=np.uint8)
        expected, _ = model.predict(pixels, deterministic=True)
        np.testing.assert_array_equal(loaded.predict(pixels, deterministic=True)[0], expected)
        assert as_agent(loaded) is not loaded


def test_another_archive_is_no_policy(tmp_path: Path) -> None:
    pytest.importorskip("stable_baselines3")
    for content, rule in (
        ('{"learning_rate": 1}', "an algorithm that Stable-Baselines3 itself lacks"),
        ("[", "damaged"),
    ):
        with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
            archive.writestr("data", content)
        with pytest.raises(ValueError, match=f"model.zip .*{rule}"):
            load_agent(tmp_path / "model.zip")
    (tmp_path / "notes.txt").write_text("no archive", encoding="utf-8")
    with pytest.raises(ValueError, match=r"notes.txt is no model of Stable-Baselines3, or damaged"):
        load_agent(tmp_path / "notes.txt")


def test_any_agent_records(module: str, tmp_path: Path) -> None:
    dataset = record(CounterEnv, tmp_path / "data", num_steps=6, policy=recorded(load_agent(f"{module}:Mine")))
    assert np.unique(np.concatenate([episode.actions for episode in dataset])).tolist() == [2]
