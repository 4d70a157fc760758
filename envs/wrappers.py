"""Wrappers that make a real environment look like its dream."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from vdworld.envs.dream_spaces import frame_space, side_by_side
from vdworld.envs.real import RealEnv


class FrameObservation(gym.Wrapper, RecordConstructorArgs):
    """Observe a real environment's frames, as a dream of it does, and nothing else.

    ``FrameObservation(make_real(world.spec))`` has the spaces of ``DreamEnv(world)``: one camera is a uint8 Box
    ``[h, w, 3]``, several are a Dict by camera. Put it around ``make_real``; size, action repeat and frame rate are
    fields of the ``EnvironmentSpec``. TimeLimit and other wrappers go around it.

    Args:
        env: What ``make_real`` returned.

    Raises:
        TypeError: `env` is no RealEnv.
    """

    def __init__(self, env: gym.Env) -> None:
        if not isinstance(env, RealEnv):
            raise TypeError(f"`env` must come from vdworld.envs.make_real, got {env}.")
        RecordConstructorArgs.__init__(self)
        gym.Wrapper.__init__(self, env)
        if not env.frames():
            env.reset()  # only then it is known how large the frames are
        self.observation_space = frame_space({name: frame.shape[:2] for name, frame in env.frames().items()})
        self.metadata = {**env.metadata, "render_fps": env.environment_spec.fps}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        _, info = self.env.reset(seed=seed, options=options)
        return _seen(info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take an action, in the units of ``action_space``."""
        _, reward, terminated, truncated, info = self.env.step(action)
        observation, info = _seen(info)
        return observation, reward, terminated, truncated, info

    def render(self) -> Any:
        """Return what is observed; several cameras stand side by side."""
        return side_by_side(self.env.frames())


def _seen(info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Take the frames out of a RealEnv's info."""
    frames = info["frames"]
    rest = {name: value for name, value in info.items() if name != "frames"}
    return frames if len(frames) > 1 else next(iter(frames.values())), rest
