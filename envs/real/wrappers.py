"""Wrappers that match real environments with dreams: the same observations, and contexts to start dreams from."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector.utils import concatenate, create_empty_array

from vdworld.envs.frame_spaces import frame_space, side_by_side, strip_prefix
from vdworld.envs.real.real_env import RealEnv


class FrameObservation(gym.Wrapper, RecordConstructorArgs):
    """Observe a real environment's frames and some of its readings, as a dream of it does.

    ``FrameObservation(make_real(world.spec), world.readings)`` has the spaces of ``DreamEnv(world)``: one camera is a
    uint8 Box ``[h, w, 3]``, several cameras or readings make a Dict. Wrap the result of ``make_real`` in it, and it in
    TimeLimit and others. Image size, action repeat and frame rate are fields of the ``EnvironmentSpec``.

    Args:
        env: The result of ``make_real``.
        readings: Names of numbers to observe beside the frames, as in datasets (``observation.agent_pos``). They are
            NaN where the environment gives no value.

    Raises:
        TypeError: `env` is not a RealEnv.
        ValueError: The environment lacks a reading.
    """

    def __init__(self, env: gym.Env, readings: Iterable[str] = ()) -> None:
        if not isinstance(env, RealEnv):
            raise TypeError(f"`env` must come from vdworld.envs.make_real, got {env}.")
        RecordConstructorArgs.__init__(self, readings=tuple(readings))
        gym.Wrapper.__init__(self, env)
        self._real, self._counts = env, _count(env, tuple(readings))
        sizes = {name: frame.shape[:2] for name, frame in env.frames().items()}
        self.observation_space = frame_space(sizes, self._counts)
        self.metadata = {**env.metadata, "render_fps": env.environment_spec.fps}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        _, info = self.env.reset(seed=seed, options=options)
        return self._observe(info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take an action, in the units of ``action_space``."""
        _, reward, terminated, truncated, info = self.env.step(action)
        observation, info = self._observe(info)
        return observation, reward, terminated, truncated, info

    def render(self) -> Any:
        """Return the current frame; several cameras are side by side."""
        return side_by_side(self._real.frames(), self._real.cameras)

    def _observe(self, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the observation, and the info without the frames."""
        frames, state = self._real.frames(), self._real.state()
        readings = {strip_prefix(name): _floats(state.get(name), count) for name, count in self._counts.items()}
        others = {name: value for name, value in info.items() if name != "frames"}
        return frames | readings if len(frames) + len(readings) > 1 else next(iter(frames.values())), others


class RememberContext(gym.Wrapper, RecordConstructorArgs):
    """Keep a real environment's last frames and the actions between them, as the context of a dream.

    ``dream.reset(options=env.context())`` starts a dream at the environment's current state.

    Args:
        env: The result of ``make_real``, or a wrapper of it.
        num_frames: How many frames to keep; a world uses ``world.context_length + 1``.

    Raises:
        ValueError: `num_frames` is below 1, or `env` does not wrap a RealEnv.
    """

    def __init__(self, env: gym.Env, num_frames: int) -> None:
        if num_frames < 1:
            raise ValueError(f"`num_frames` must be at least 1, got {num_frames}.")
        if not env.has_wrapper_attr("frames"):
            raise ValueError(f"`env` must have come from vdworld.envs.make_real, got {env}.")
        RecordConstructorArgs.__init__(self, num_frames=num_frames)
        gym.Wrapper.__init__(self, env)
        self._frames: deque[dict[str, np.ndarray]] = deque(maxlen=num_frames)
        self._actions: deque[Any] = deque(maxlen=num_frames)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, and forget all frames but its first."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._frames.clear()
        self._actions.clear()
        self._frames.append(self.get_wrapper_attr("frames")())
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take an action, and keep it and the frame it leads to."""
        result = self.env.step(action)
        self._actions.append(copy.deepcopy(action))
        self._frames.append(self.get_wrapper_attr("frames")())
        return result

    def context(self) -> dict[str, Any]:
        """Return options for ``DreamEnv.reset``: ``"frames"`` ``[k, h, w, 3]`` and the ``"actions"`` between them.

        Raises:
            ResetNeeded: There are no frames before the first reset.
        """
        if not self._frames:
            raise ResetNeeded("context() needs a frame; call reset() first.")
        views = {name: np.stack([frames[name] for frames in self._frames]) for name in self._frames[0]}
        context: dict[str, Any] = {"frames": views if len(views) > 1 else next(iter(views.values()))}
        between = list(self._actions)[len(self._actions) - len(self._frames) + 1 :]
        if between:
            empty = create_empty_array(self.action_space, len(between))
            context["actions"] = concatenate(self.action_space, between, empty)
        return context


def _count(env: RealEnv, readings: Sequence[str]) -> dict[str, int]:
    """Return how many numbers each reading holds; this may take a reset and a step of the environment."""
    if not env.frames():
        env.reset()
    if any(name not in env.state() for name in readings):  # some are in the info of steps only
        env.step(env.action_space.sample())
    if unknown := [name for name in readings if name not in env.state()]:
        raise ValueError(f"`readings` must be among {list(env.state())}, got {unknown}.")
    return {name: len(env.state()[name]) for name in readings}


def _floats(values: np.ndarray | None, count: int) -> np.ndarray:
    return np.full(count, np.nan, np.float32) if values is None else values.astype(np.float32)
