"""A belt that moves by the action, worlds that predict it exactly or copy the last frame, and PushT with contact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from tests.evaluation.moving_bar import record_bar
from vdworld.data import Dataset, EpisodeWriter, load_dataset
from vdworld.envs.real.real_env import make_real
from vdworld.spec import EnvironmentSpec

SIZE = 16


class Belt(gym.Env):
    """A bright bar on a belt of 16 columns; actions 0, 1, 2 move it by -1, 0, +1; reward 1 and the end at column 0."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}
    observation_space = gym.spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8)
    action_space = gym.spaces.Discrete(3)
    render_mode = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.column = int(self.np_random.integers(1, SIZE))
        return self.picture(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        assert self.action_space.contains(action), repr(action)
        self.column = (self.column + int(action) - 1) % SIZE
        home = self.column == 0
        return self.picture(), float(home), home, False, {}

    def picture(self) -> np.ndarray:
        pixels = np.full((SIZE, SIZE, 3), 30, np.uint8)
        pixels[:, self.column] = (250, 200, 50)
        return pixels


@dataclass
class FakeWorld:
    """Imagines ``foresee(last frame, action) -> next frame``; rewards and ends are read off the imagined frame."""

    foresee: Any
    action_space: gym.Space = field(default_factory=lambda: gym.spaces.Discrete(3))
    image_size: tuple[int, int] = (SIZE, SIZE)
    cameras: tuple[str, ...] = ("pixels",)
    context_length: int = 3
    fps: float = 5.0
    device: str = "cpu"
    has_reward: bool = True
    training_info: dict[str, Any] = field(default_factory=lambda: {"steps": 1200, "settings": {"rate": 3e-4}})
    seeds: list[int] = field(default_factory=list)

    def start(self, frames: torch.Tensor, actions: Any = None, *, seed: Any = 0) -> torch.Tensor:
        assert frames.shape[1] == self.context_length
        assert np.shape(actions)[:2] == (len(frames), self.context_length - 1)
        self.seeds += list(seed)
        return frames

    def rollout(self, state: torch.Tensor, actions: Any, *, num_sampling_steps: int | None = None) -> SimpleNamespace:
        frames, last = [], state[:, -1]
        for action in np.moveaxis(np.asarray(actions), 1, 0):
            last = self.foresee(last, action)
            frames.append(last)
        imagined = torch.stack(frames, dim=1)
        home = (imagined[..., 0, 0, 0] > 0).float()
        after = torch.cat([state, imagined], dim=1)[:, -self.context_length :]
        return SimpleNamespace(frames=imagined, rewards=home, continuations=1 - home, state=after)


def copy_last(frame: torch.Tensor, action: np.ndarray) -> torch.Tensor:
    return frame


def roll_the_belt(frame: torch.Tensor, action: np.ndarray) -> torch.Tensor:
    return torch.stack([picture.roll(int(a) - 1, dims=-1) for picture, a in zip(frame, action, strict=True)])


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tensors here are so small that sharing them out costs more than it saves."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def copying_world() -> FakeWorld:
    return FakeWorld(copy_last)


@pytest.fixture
def perfect_world() -> FakeWorld:
    return FakeWorld(roll_the_belt)


@pytest.fixture
def make_world() -> type[FakeWorld]:
    return FakeWorld


@pytest.fixture
def belt() -> type[Belt]:
    return Belt


@pytest.fixture(scope="session")
def belt_data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Ten episodes of 12 to 30 random steps, half of them held out."""
    path = tmp_path_factory.mktemp("belt") / "data"
    env, rng, seed = Belt(), np.random.default_rng(0), 0
    with EpisodeWriter(path, fps=5, action_space=Belt.action_space, test_fraction=0.5) as writer:
        while writer.num_episodes < 10:
            seed += 1
            frames, actions, rewards, done = [env.reset(seed=seed)[0]], [], [], False
            while not done and len(actions) < 30:
                actions.append(int(rng.integers(3)))
                frame, reward, done, _, _ = env.step(np.int64(actions[-1]))
                frames.append(frame)
                rewards.append(reward)
            if len(actions) >= 12:
                writer.add({"pixels": np.stack(frames)}, np.array(actions), np.array(rewards), terminated=done)
    return load_dataset(path)


@pytest.fixture(scope="session")
def pusht_data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Four episodes of thirty steps in which the agent chases the block, half of them held out."""
    pytest.importorskip("gym_pusht")
    path, rng = tmp_path_factory.mktemp("pusht") / "data", np.random.default_rng(0)
    kwargs = {"obs_type": "pixels", "observation_width": 32, "observation_height": 32}
    spec = EnvironmentSpec("gym_pusht/PushT-v0", kwargs=kwargs, packages=("gym_pusht",))
    env = make_real(spec)
    with EpisodeWriter(path, fps=10, action_space=env.action_space, spec=spec, test_fraction=0.5) as writer:
        for seed in range(4):
            env.reset(seed=seed)
            frames, states, actions, rewards = [env.frames()["pixels"]], [env.state()], [], []
            for _ in range(30):
                target = env.state()["info.block_pose"][:2] + rng.normal(0, 60, 2)
                actions.append(np.clip(target, 0, 512).astype(np.float32))
                rewards.append(env.step(actions[-1])[1])
                frames.append(env.frames()["pixels"])
                states.append(env.state())
            keys = set.intersection(*(set(state) for state in states))
            rows = {key: np.stack([state[key] for state in states]) for key in keys}
            writer.add({"pixels": np.stack(frames)}, np.stack(actions), np.array(rewards), state=rows, seed=seed)
    env.close()
    return load_dataset(path)


@pytest.fixture(scope="session")
def pusht_world() -> FakeWorld:
    space = gym.spaces.Box(0, 512, (2,), np.float32)
    return FakeWorld(copy_last, action_space=space, image_size=(32, 32), fps=10.0)


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return record_bar(tmp_path_factory.mktemp("moving"))
