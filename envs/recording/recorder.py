"""Record a dataset from any Gymnasium environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from vdworld.data import Dataset, EpisodeWriter, load_dataset
from vdworld.data.layout import INFO
from vdworld.envs.real.real_env import make_real
from vdworld.envs.recording.episode_maker import EpisodeMaker, Policy, RecordedEpisode, Stopped
from vdworld.envs.recording.worker_pool import make_episodes
from vdworld.extras import require
from vdworld.seeds import as_seed
from vdworld.space_leaves import leaves
from vdworld.spec import EnvironmentSpec
from vdworld.storage.interrupts import StopRequest
from vdworld.training.training_log import say
from vdworld.world import build, preset

_LONGEST_EPISODE = 1_000  # steps, for environments without a limit of their own
_MOST_PROCESSES = 16  # each takes about 250 MB
_WORTH_PROCESSES = 1_000  # steps; starting processes does not pay for fewer
_SIZES = {"frame_channels": 3, "action_dim": 1}  # of a network on trial


def record(
    env: str | EnvironmentSpec | Callable[[], gym.Env],
    path: str | Path,
    *,
    num_steps: int,
    image_size: int | tuple[int, int] | None = None,
    num_envs: int | None = None,
    seed: int = 0,
    policy: Policy | None = None,
    max_episode_steps: int | None = None,
    test_fraction: float = 0.2,
    env_kwargs: dict[str, Any] | None = None,
    camera: str | None = None,
    action_repeat: int | None = None,
    fps: float | None = None,
    reset_options: dict[str, Any] | None = None,
    cut: bool = True,
    progress: bool = True,
) -> Dataset:
    """Record episodes until the folder holds `num_steps` transitions; the last episode is cut to fit.

    The data depend on the arguments and `seed`, not on `num_envs`. If Ctrl-C, a crash or a full disk ends the recording
    early, the same call continues it.

    Args:
        env: A Gymnasium id such as ``"CartPole-v1"`` or ``"gym_pusht/PushT-v0"``, an ``EnvironmentSpec``, or a function
            that builds the environment. It must have pictures in its observation or render ``rgb_array``.
        path: The dataset folder.
        num_steps: The number of transitions in total, those already in the folder included.
        image_size: Side, or height and width, of the recorded frames in pixels; by default the environment's own.
        num_envs: Number of processes; by default one per core, at most 16, and only this one for small recordings.
        seed: Decides every episode, together with the episode's number.
        policy: Called as ``policy(observation, action_space, rng)``, where ``observation`` has the keys ``frames``,
            ``state`` and ``observation``; returns an action. ``reset(action_space, rng)`` is called before each episode
            if the policy has this method. By default ``Exploration()``.
        max_episode_steps: Recorded steps after which an episode is truncated; by default the environment's own limit,
            or 1,000 if it has none.
        test_fraction: Share of the episodes to hold out.
        env_kwargs: Keyword arguments of the environment.
        camera: Record only this camera; ``"render"`` records the rendered picture.
        action_repeat: Environment steps per recorded step; by default 1.
        fps: Recorded steps per second; by default the environment's ``render_fps``, or 10.
        reset_options: Options of every reset, for environments that need some. They are kept with the dataset and the
            world, so that evaluation uses them too.
        cut: Whether the last episode is cut to fit. If False it is finished, and the folder holds more steps.
        progress: Whether to show a progress bar.

    Raises:
        gymnasium.error.Error: No environment has this id.
        ValueError: The environment shows no pictures, or the folder was recorded with other settings.
        OSError: The disk is full; the message gives the number of episodes that are safe.
        KeyboardInterrupt: Ctrl-C was pressed; the message gives the number of episodes and steps that are safe.
    """
    seed = as_seed(seed)
    if num_steps < 1:
        raise ValueError(f"`num_steps` must be at least 1, got {num_steps}.")
    if num_envs is not None and num_envs < 1:
        raise ValueError(f"`num_envs` must be at least 1, got {num_envs}.")
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    fields = {"image_size": size, "kwargs": env_kwargs, "camera": camera, "action_repeat": action_repeat, "fps": fps}
    fields |= {"max_episode_steps": max_episode_steps, "reset_options": reset_options}
    maker = _make_maker(env, policy, seed, {name: value for name, value in fields.items() if value is not None})
    built = maker.build()
    leaves(built.action_space)  # refuses spaces that datasets can't hold before anything is played
    writer = EpisodeWriter(
        path,
        fps=built.environment_spec.fps,
        action_space=built.action_space,
        spec=None if callable(env) else built.environment_spec,
        task=built.environment_spec.id,
        seed=seed,
        test_fraction=test_fraction,
        append=(Path(path) / INFO).is_file(),
    )
    with closing(maker), writer:
        _fill(writer, maker, num_steps, num_envs, cut, progress)
    return load_dataset(path)


def _make_maker(
    env: str | EnvironmentSpec | Callable[[], gym.Env], policy: Policy | None, seed: int, settings: dict[str, Any]
) -> EpisodeMaker:
    """Build the environment, and complete its specification with a limit on its episodes."""
    built = make_real(env, **settings)
    description = built.environment_spec
    if description.max_episode_steps is None and (built.spec is None or built.spec.max_episode_steps is None):
        description = built.environment_spec = replace(description, max_episode_steps=_LONGEST_EPISODE)
    if callable(env):
        settings = {**settings, "fps": description.fps, "max_episode_steps": description.max_episode_steps}
        return EpisodeMaker(env, policy, seed, settings, built)
    return EpisodeMaker(description, policy, seed, {}, built)


def _fill(
    writer: EpisodeWriter, maker: EpisodeMaker, num_steps: int, num_envs: int | None, cut: bool, progress: bool
) -> None:
    """Record until the writer holds `num_steps` transitions."""
    missing = num_steps - writer.num_steps
    if missing <= 0:
        return
    if num_envs is None:
        num_envs = min(_num_cores(), _MOST_PROCESSES) if missing >= _WORTH_PROCESSES else 1
    tqdm = require("tqdm", extra="data").tqdm
    bar = tqdm(total=num_steps, initial=writer.num_steps, unit="step", desc="record", disable=not progress)
    with StopRequest() as stop, bar:
        try:
            with closing(make_episodes(maker, writer.num_episodes, num_envs, stop.is_set)) as episodes:
                for number, episode in enumerate(episodes):
                    if number == 0 and writer.num_episodes == 0:
                        say(_size_note(episode))
                    episode = episode.first(num_steps - writer.num_steps) if cut else episode
                    _add(writer, episode)
                    bar.update(len(episode))
                    if stop.is_set():
                        raise Stopped
                    if writer.num_steps >= num_steps:
                        break
        except (Stopped, KeyboardInterrupt):  # the second Ctrl-C does not wait for an episode
            writer.close()
            raise KeyboardInterrupt(
                f"Recording stopped: {writer.num_safe_episodes} episodes ({writer.num_safe_steps} steps) are safe in "
                f"{writer.path}. The same call continues it."
            ) from None


def _add(writer: EpisodeWriter, episode: RecordedEpisode) -> None:
    """Write an episode with the entries of the first one: others are left out, and missing ones become NaN."""
    sizes = writer.state_sizes
    state = episode.state
    if sizes is not None:
        num_rows = len(episode) + 1
        fitting = {name: values for name, values in state.items() if values.shape[1:] == (sizes.get(name),)}
        state = {name: fitting.get(name, np.full((num_rows, size), np.nan)) for name, size in sizes.items()}
    writer.add(
        episode.frames,
        episode.actions,
        episode.rewards,
        terminated=episode.terminated,
        truncated=episode.truncated,
        state=state,
        seed=episode.seed,
    )


def _size_note(episode: RecordedEpisode) -> str:
    """Return a sentence if the networks of the presets do not take frames of this size; else nothing."""
    height, width = next(iter(episode.frames.values())).shape[1:3]
    try:
        with torch.device("meta"):  # shapes alone
            build(preset("tiny").network_for((height, width)), **_SIZES, image_size=(height, width))
    except ValueError as error:
        return f"Note: a world can't be trained on these frames as they are: {error}"
    return ""


def _num_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
