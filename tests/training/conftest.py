"""A square that moves by the action, and worlds small enough to train on it in a second."""

from __future__ import annotations

import itertools
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from vdworld.data import Dataset, EpisodeWriter, load_dataset
from vdworld.training import Trainer, train
from vdworld.training import trainer as trainer_module
from vdworld.training.validation import Validation
from vdworld.world import WorldModel

SIZE, SQUARE = 16, 4
MOVES = ((0, 2), (2, 0), (0, -2), (-2, 0))
NETWORK = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "feature_dim": 64, "context_length": 2}


def picture(place: np.ndarray) -> np.ndarray:
    pixels = np.full((SIZE, SIZE, 3), 40, np.uint8)
    row, column = place
    pixels[row : row + SQUARE, column : column + SQUARE] = (250, 120, 30)
    return pixels


def episode(rng: np.random.Generator, num_steps: int = 12) -> dict[str, Any]:
    """Actions 0 to 3 push the square by two pixels, walls stop it; the reward is the column, in 0..1."""
    place = rng.integers(0, SIZE - SQUARE + 1, 2)
    frames, actions, rewards = [picture(place)], rng.integers(0, 4, num_steps), []
    for action in actions:
        place = np.clip(place + MOVES[action], 0, SIZE - SQUARE)
        frames.append(picture(place))
        rewards.append(place[1] / (SIZE - SQUARE))
    return {"frames": np.stack(frames), "actions": actions, "rewards": np.array(rewards), "terminated": place[0] == 0}


@pytest.fixture(scope="session")
def record_squares(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Dataset]:
    """Write episodes of the moving square; `change` edits each one's arrays."""

    def record(
        space: gym.Space | None = None,
        num_episodes: int = 8,
        change: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> Dataset:
        path, rng = tmp_path_factory.mktemp("squares") / "data", np.random.default_rng(0)
        with EpisodeWriter(path, fps=5, action_space=space or gym.spaces.Discrete(4)) as writer:
            for _ in range(num_episodes):
                writer.add(**change(episode(rng)))
        return load_dataset(path)

    return record


@pytest.fixture(scope="session")
def squares(record_squares: Callable[..., Dataset]) -> Dataset:
    return record_squares()


@pytest.fixture
def train_small() -> Callable[..., WorldModel]:
    """Train a small network for a few steps, in float32 on the CPU."""

    def run(dataset: Dataset, **settings: Any) -> WorldModel:
        small: dict[str, Any] = {"max_steps": 2, "batch_size": 4, "precision": "float32", "num_rollout_gifs": 0}
        small["device"] = "cpu"
        if "world" not in settings:
            small["network"] = NETWORK
        return train(dataset, **{**small, **settings})

    return run


@pytest.fixture
def few_validation_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure on two held-out clips instead of 64, where a test trains many worlds and needs no measurement."""
    monkeypatch.setattr(sys.modules[train.__module__], "Validation", partial(Validation, num_clips=2))


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """The loss of every step that is trained while the test runs."""
    by_step: dict[int, float] = {}
    update = Trainer._update

    def spied(self: Trainer, batch: Any) -> dict[str, torch.Tensor]:
        parts = update(self, batch)
        by_step[self.step] = float(parts["loss"])
        return parts

    monkeypatch.setattr(Trainer, "_update", spied)
    return by_step


@pytest.fixture
def break_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, BaseException], None]:
    """Interrupt training before a step."""

    def arrange(step: int, error: BaseException) -> None:
        update = trainer_module.Trainer._update

        def broken(self: Trainer, batch: Any) -> dict[str, torch.Tensor]:
            if self.step + 1 == step:
                monkeypatch.setattr(Trainer, "_update", update)
                raise error
            return update(self, batch)

        monkeypatch.setattr(Trainer, "_update", broken)

    return arrange


@pytest.fixture
def press_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Press Ctrl-C in a step, between the updates of the two optimisers."""

    def arrange(step: int, times: int = 1) -> None:
        update, counts = torch.optim.AdamW.step, itertools.count(1)

        def interrupted(self: torch.optim.AdamW, *args: Any) -> Any:
            result = update(self, *args)
            if next(counts) == step:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)
            return result

        monkeypatch.setattr(torch.optim.AdamW, "step", interrupted)

    return arrange


@pytest.fixture
def files() -> Callable[[Path], dict[str, bytes]]:
    """The weights and start clips in a world's folder."""

    def read(path: Path) -> dict[str, bytes]:
        return {name: (path / name).read_bytes() for name in ("model.safetensors", "starts.safetensors")}

    return read
