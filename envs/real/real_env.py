"""Real environments, built from their specification and observed through cameras."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec, load_env_creator
from gymnasium.utils import RecordConstructorArgs

from vdworld.data import resize_area
from vdworld.envs.real.cameras import find_cameras
from vdworld.envs.real.numeric_readings import info_numbers, observed_numbers
from vdworld.envs.real.registry import default_kwargs, find_environment, package_of
from vdworld.envs.real.trust import check_trusted
from vdworld.spec import EnvironmentSpec

DEFAULT_FPS = 10.0  # for environments without `render_fps`


def make_real(
    env: EnvironmentSpec | str | Callable[[], gym.Env], *, trust_environment: bool = False, **overrides: Any
) -> RealEnv:
    """Build a real environment.

    Args:
        env: Its specification, its Gymnasium id, or a function that builds it.
        trust_environment: Whether a specification from a file, such as ``dataset.spec`` or ``world.spec``, may import
            any package. Otherwise it may name Gymnasium's and vdworld's environments, those of packages that vdworld
            has extras for, and those of packages that are imported already.
        overrides: Fields of ``EnvironmentSpec`` to set or change: ``image_size``, ``camera``, ``action_repeat``, ...

    Raises:
        gymnasium.error.Error: No environment has this id.
        ValueError: The environment shows no pictures, has no camera of this name, or is not trusted.
    """
    if callable(env):
        built = env()
        description = EnvironmentSpec(id=type(built.unwrapped).__name__, **overrides)
        return RealEnv(built, description if "fps" in overrides else _with_fps(description, built))
    fps_is_set = "fps" in overrides or not isinstance(env, str)
    if isinstance(env, str):
        registered = find_environment(env)
        env = EnvironmentSpec(registered.id, kwargs=default_kwargs(registered.id), packages=package_of(registered))
    description = replace(env, **overrides, trusted=env.trusted or trust_environment)
    check_trusted(description)
    description = replace(description, trusted=True)  # other processes may build it, too
    for package in description.packages:
        importlib.import_module(package)
    built = _make(find_environment(description.id), description)
    return RealEnv(built, description if fps_is_set else _with_fps(description, built))


class RealEnv(gym.Wrapper, RecordConstructorArgs):
    """A real environment that takes its cameras' frames after every reset and step.

    One step repeats the action ``action_repeat`` times, or until the episode ends, and sums the rewards. Frames are
    resized by area. ``info`` gets an entry ``frames``.

    Args:
        env: The environment.
        description: Its specification: cameras, image size, action repeat and frame rate.

    Attributes:
        environment_spec: The specification.
        cameras: The names of the cameras.
    """

    def __init__(self, env: gym.Env, description: EnvironmentSpec) -> None:
        RecordConstructorArgs.__init__(self, description=description)
        gym.Wrapper.__init__(self, env)
        self.environment_spec = description
        self._cameras = find_cameras(env, description.camera)
        self.cameras = tuple(camera.name for camera in self._cameras)
        self._frames: dict[str, np.ndarray] = {}
        self._numbers: dict[str, np.ndarray] = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, with the specification's ``reset_options`` unless `options` replace some of them."""
        combined = {**(self.environment_spec.reset_options or {}), **(options or {})}
        observation, info = self.env.reset(seed=seed, options=combined or None)
        return observation, self.observe(observation, info)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action, in the units of ``action_space``."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        total = _number(reward)
        for _ in range(self.environment_spec.action_repeat - 1):
            if terminated or truncated:
                break
            observation, reward, terminated, truncated, info = self.env.step(action)
            total += _number(reward)
        return observation, total, bool(terminated), bool(truncated), self.observe(observation, info)

    def frames(self) -> dict[str, np.ndarray]:
        """Return the current frame of each camera, uint8 RGB ``[h, w, 3]``."""
        return self._frames

    def state(self) -> dict[str, np.ndarray]:
        """Return the current numbers beside the frames, ``[d]`` each: ``observation.<key>`` and ``info.<key>``."""
        return self._numbers

    def observe(self, observation: Any, info: dict[str, Any]) -> dict[str, Any]:
        """Update frames and numbers, and return ``info`` with the frames.

        ``reset`` and ``step`` call this; call it yourself after you restored a state of the wrapped environment.

        Args:
            observation: The current observation of the wrapped environment.
            info: Its current ``info``.
        """
        self._numbers = observed_numbers(self.env.observation_space, observation) | info_numbers(info)
        self._frames = {camera.name: self._resize(camera.observe(self.env, observation)) for camera in self._cameras}
        return {**info, "frames": self._frames}

    def _resize(self, picture: np.ndarray) -> np.ndarray:
        size = self.environment_spec.image_size or picture.shape[:2]
        planes = resize_area(np.ascontiguousarray(np.moveaxis(picture, -1, 0)), (size[0], size[1]))
        return np.ascontiguousarray(np.moveaxis(planes, 0, -1))


def _make(registered: EnvSpec, description: EnvironmentSpec) -> gym.Env:
    kwargs: dict[str, Any] = dict(description.kwargs)
    creator = registered.entry_point
    if isinstance(creator, str):
        creator = load_env_creator(creator)
    modes = getattr(creator, "metadata", {}).get("render_modes", [])
    if "rgb_array" in modes:
        kwargs.setdefault("render_mode", "rgb_array")
    if description.max_episode_steps is not None:
        kwargs["max_episode_steps"] = description.max_episode_steps * description.action_repeat
    return gym.make(registered, disable_env_checker=True, **kwargs)


def _with_fps(description: EnvironmentSpec, env: gym.Env) -> EnvironmentSpec:
    fps = env.metadata.get("render_fps") or DEFAULT_FPS
    return replace(description, fps=float(fps) / description.action_repeat)


def _number(reward: Any) -> float:
    """Return a reward as a number; some environments return an array of one element.

    Raises:
        ValueError: It is something else.
    """
    try:
        return float(np.asarray(reward).item())
    except (TypeError, ValueError):
        raise ValueError(f"`step()` of `env` must return a number as its reward, got {reward!r}.") from None
