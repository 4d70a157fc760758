"""Record experience from any Gymnasium environment."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.data import Dataset, EpisodeWriter, load_dataset
from vdworld.data.layout import INFO
from vdworld.envs.real.real_env import make_real
from vdworld.envs.recording.episodes import EpisodeMaker, Policy, RecordedEpisode, Stopped
from vdworld.envs.recording.worker_pool import make_episodes
from vdworld.extras import require
from vdworld.spec import EnvironmentSpec

_LONGEST_EPISODE = 1_000  # steps, for environments that set no limit themselves
_MOST_PROCESSES = 16  # each holds some 250 MB
_WORTH_PROCESSES = 1_000  # steps from which on starting further processes pays


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
    cut: bool = True,
    progress: bool = True,
) -> Dataset:
    """Record whole episodes until the folder holds `num_steps` transitions; the last episode is cut to fit.

    The data depend on the arguments and `seed`, not on `num_envs`. A folder with fewer steps, left by Ctrl-C, a crash
    or a full disk, is continued by the same call.

    Args:
        env: A Gymnasium id such as ``"CartPole-v1"`` or ``"gym_pusht/PushT-v0"``, an ``EnvironmentSpec``, or a function
            that builds the environment. It must have pictures in its observation or render ``rgb_array``.
        path: The dataset folder.
        num_steps: Transitions to record in all, those already in the folder included.
        image_size: Side, or height and width, in pixels of the frames to keep; the environment's own by default.
        num_envs: Processes; one per core by default, at most 16, and this process alone for a small job.
        seed: Decides every episode, together with its number.
        policy: Called as ``policy(observation, action_space, rng)``, where ``observation`` has the keys ``frames``,
            ``state`` and ``observation``; returns an action. Its ``reset(action_space, rng)``, if it has one, begins an
            episode. ``Exploration()`` by default.
        max_episode_steps: Recorded steps after which an episode is cut off; by default the environment's own limit, or
            1,000 where it has none.
        test_fraction: Share of the episodes to hold out.
        env_kwargs: Keyword arguments of the environment.
        camera: Keep this picture alone; ``"render"`` for the rendered one.
        action_repeat: Environment steps per recorded step; 1 by default.
        fps: Recorded steps per second; by default the environment's ``render_fps``, or 10.
        cut: Whether the last episode is cut to fit; otherwise it is finished, and there are more than `num_steps`.
        progress: Whether to show a progress bar.

    Raises:
        gymnasium.error.Error: No environment has this id.
        ValueError: It shows no pictures, or the folder was recorded with other settings.
        OSError: The disk is full; the message says how many episodes are safe.
        KeyboardInterrupt: Ctrl-C, after everything whole was flushed; the message says how much that is.
    """
    if num_steps < 1:
        raise ValueError(f"`num_steps` must be at least 1, got {num_steps}.")
    if num_envs is not None and num_envs < 1:
        raise ValueError(f"`num_envs` must be at least 1, got {num_envs}.")
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    given = {"image_size": size, "kwargs": env_kwargs, "camera": camera, "action_repeat": action_repeat, "fps": fps}
    given |= {"max_episode_steps": max_episode_steps}
    maker = _make_maker(env, policy, seed, {name: value for name, value in given.items() if value is not None})
    built = maker.build()
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
    """Build the environment, and settle its description with a limit on its episodes."""
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
    with _Interrupt() as interrupt, bar:
        try:
            with closing(make_episodes(maker, writer.num_episodes, num_envs, interrupt.is_set)) as episodes:
                for episode in episodes:
                    whole = episode.first(num_steps - writer.num_steps) if cut else episode
                    _add(writer, whole)
                    bar.update(len(whole))
                    if writer.num_steps >= num_steps:
                        break
                    if interrupt.is_set():
                        raise Stopped
        except Stopped:
            writer.close()
            raise KeyboardInterrupt(
                f"Recording stopped: {writer.num_safe_episodes} episodes ({writer.num_safe_steps} steps) are safe in "
                f"{writer.path}. The same call continues it."
            ) from None


def _add(writer: EpisodeWriter, episode: RecordedEpisode) -> None:
    """Write an episode; `info` entries that the first one lacked are left out, those it alone had become NaN."""
    known = writer.state_sizes
    state = episode.state
    if known is not None:
        rows = len(episode) + 1
        fitting = {name: values for name, values in state.items() if values.shape[1:] == (known.get(name),)}
        state = {name: fitting.get(name, np.full((rows, size), np.nan)) for name, size in known.items()}
    writer.add(
        episode.frames,
        episode.actions,
        episode.rewards,
        terminated=episode.terminated,
        truncated=episode.truncated,
        state=state,
        seed=episode.seed,
    )


def _num_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Interrupt:
    """While it is entered, the first Ctrl-C is noted, and only the second breaks in."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._before: Any = None

    def is_set(self) -> bool:
        """Return whether Ctrl-C was pressed."""
        return self._event.is_set()

    def __enter__(self) -> _Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.is_set():
            raise KeyboardInterrupt
        self._event.set()
