"""Small folders of every kind that vdworld writes, and how to read everything in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from tests.envs.random_world import random_world
from vdworld.agents import ActorCritic, InverseDynamics, Policy, VideoPolicy
from vdworld.agents.saved_agents import load_agent
from vdworld.data import ClipSampler, Dataset, EpisodeWriter, load_dataset
from vdworld.metrics import Interval
from vdworld.online.online_result import PROGRESS, OnlineResult, Round
from vdworld.spaces import ActionCodec
from vdworld.spec import EnvironmentSpec
from vdworld.training import Trainer, TrainerSettings, new_world
from vdworld.training.assemble_world import sample_starts
from vdworld.training.calibration import held_out_clips
from vdworld.training.checkpoint import optimizer_tensors
from vdworld.training.validation import Validation
from vdworld.world import WorldModel

SIZE = 16
NETWORK = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "feature_dim": 16, "context_length": 2}
SETTINGS = TrainerSettings(max_steps=2, batch_size=2, precision="float32", num_rollout_gifs=0)
OBSERVATIONS = gym.spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8)

Read = Callable[[Path], str]
"""Reads all of a folder, uses it once, and returns a digest of what it holds."""


def write_folders(root: Path) -> dict[str, Read]:
    """Write a folder of each kind into `root`, and return how to read each."""
    dataset = _write_dataset(root / "dataset")
    world = _new_world(dataset)
    world.starts = sample_starts(dataset, world, 0)
    world.save_pretrained(root / "world")
    policy = _new_policy(dataset)
    policy.save_pretrained(root / "policy")
    clips = ClipSampler(dataset, context_length=2, horizon=2, readings=tuple(world.readings))
    validation = Validation(held_out_clips(dataset, world, max_horizon=1), num_clips=2)

    def trainer(folder: Path) -> Trainer:
        return Trainer(_new_world(dataset), clips, validation, SETTINGS, output=folder)

    run = trainer(root / "run")
    run.fit()
    learner = ActorCritic(policy)
    learner.save(root / "learning")
    interval = Interval(1.0, 0.5, 1.5, 3)
    result = OnlineResult([Round(1, 10, 2, 30, 0.5, interval)], {"random": interval}, {"env": "A-v0"})
    result.save(root / "online")
    _video_policy().save_pretrained(root / "video_policy")

    def read_run(folder: Path) -> str:
        resumed = trainer(folder)
        resumed.resume()
        tensors = {**resumed.world.state_dict(), **_prefixed(resumed.average.average.state_dict())}
        for i, optimizer in enumerate(resumed.optimizers):
            tensors |= optimizer_tensors(f"{i}", optimizer)
        progress = [resumed.step, resumed.seconds_before, resumed.average.num_updates, asdict(resumed.plateau)]
        return digest(tensors, progress, resumed.rng.get_state())

    def read_learning(folder: Path) -> str:
        resumed = ActorCritic(_new_policy(dataset))
        resumed.resume(folder)
        tensors = {**resumed.network.state_dict(), **_prefixed(resumed.slow_critic.average.state_dict())}
        tensors |= optimizer_tensors("optimizer", resumed.optimizer)
        return digest(tensors, [resumed.num_steps, resumed.slow_critic.num_updates], resumed.rng.get_state())

    readers: dict[str, Read] = {"dataset": read_dataset, "world": read_world, "policy": read_policy}
    readers |= {"run": read_run, "learning": read_learning, "video_policy": read_policy}
    return readers | {"online": read_online}


def read_dataset(folder: Path) -> str:
    """Read every episode, sample clips, and open the folder to append to it."""
    dataset = load_dataset(folder)
    parts: list[Any] = [dataset.fps, dataset.cameras, str(dataset.action_space), str(dataset.spec)]
    arrays: dict[str, Any] = {}
    for episode in dataset:
        parts += [episode.seed, episode.split, episode.index]
        own = {"actions": episode.actions, "rewards": episode.rewards, "ends": episode.terminated, **episode.state}
        arrays |= {f"{episode.index}.{name}": array for name, array in (own | episode.frames).items()}
    EpisodeWriter(folder, fps=dataset.fps, append=True).close()
    ClipSampler(dataset, context_length=2, horizon=1).sample(2, torch.Generator().manual_seed(0))
    return digest(arrays, parts)


def read_world(folder: Path) -> str:
    """Read a world, and dream a step."""
    world = WorldModel.from_pretrained(folder)
    parts: list[Any] = [world.sampling, world.training_info, world.fps, str(world.action_space), str(world.spec)]
    parts += [world.uncertainty_quantiles, world.readings, world.has_reward, world.cameras]
    if world.starts is not None:
        action = world.action_codec.decode(torch.zeros(1, world.action_codec.dim))
        world.step(world.sample_start(1), action)
        parts.append(digest(world.starts.tensors()))
    return digest(world.state_dict(), parts)


def read_policy(folder: Path) -> str:
    """Read a policy, and let it act where that is quick."""
    agent = load_agent(folder)
    if isinstance(agent, VideoPolicy):
        modules = (agent.world, agent.inverse_dynamics)
        parts = [agent.horizon, agent.replan_every, agent.num_candidates, agent.num_sampling_steps]
        return digest({f"{i}.{k}": v for i, m in enumerate(modules) for k, v in m.state_dict().items()}, parts)
    assert isinstance(agent, Policy)
    agent.act(
        np.stack([agent.observation_space.sample()]) if isinstance(agent.observation_space, gym.spaces.Box) else {}
    )
    parts = [agent.training_info, agent.deterministic, agent.goals, str(agent.action_space)]
    return digest(agent.network.state_dict(), parts)


def read_online(folder: Path) -> str:
    """Read the result of an online run; a folder without one is a run that has not begun."""
    if not (folder / PROGRESS).exists():
        raise FileNotFoundError(f"{folder} has no result.")
    return digest({}, OnlineResult.load(folder).to_json())


def digest(tensors: Mapping[str, Any], values: Any = None, *more: torch.Tensor) -> str:
    """Return a short text that differs if any tensor, array or value does."""
    found = hashlib.sha256(json.dumps(values, default=str, sort_keys=True).encode())
    for name, tensor in [*sorted(tensors.items()), *((str(i), part) for i, part in enumerate(more))]:
        array = tensor.numpy() if isinstance(tensor, torch.Tensor) else np.asarray(tensor)
        found.update(name.encode() + str((array.dtype, array.shape)).encode() + array.tobytes())
    return found.hexdigest()


def _write_dataset(path: Path) -> Dataset:
    rng, spec = np.random.default_rng(0), EnvironmentSpec("CartPole-v1", image_size=(SIZE, SIZE))
    with EpisodeWriter(path, fps=10, action_space=gym.spaces.Discrete(3), spec=spec, steps_per_file=8) as writer:
        for _ in range(3):
            frames = rng.integers(0, 256, (6, SIZE, SIZE, 3), dtype=np.uint8)
            state = {"state": rng.normal(size=(6, 2))}
            writer.add(frames, rng.integers(0, 3, 5), rng.normal(size=5), terminated=True, state=state)
    return load_dataset(path)


def _new_world(dataset: Dataset) -> WorldModel:
    return new_world(dataset, network=NETWORK, readings=("observation.state",))


def _new_policy(dataset: Dataset) -> Policy:
    return Policy(OBSERVATIONS, ActionCodec(dataset.action_space), hidden_dim=8)


def _video_policy() -> VideoPolicy:
    world = random_world(gym.spaces.Discrete(1), cameras=("image", "goal_image"))
    codec = ActionCodec(gym.spaces.Discrete(3))
    model = InverseDynamics(codec, num_channels=3, image_size=world.image_size, hidden_dim=8)
    return VideoPolicy(world, model, horizon=2)


def _prefixed(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"average.{name}": tensor for name, tensor in tensors.items()}
