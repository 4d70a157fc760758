"""Real environments in lockstep: one lane per episode, one batch of frames for the agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from vdworld.envs.frame_spaces import strip_prefix
from vdworld.envs.real.real_env import RealEnv
from vdworld.envs.tasks import GoalTask, State
from vdworld.spaces import frames_to_float
from vdworld.types import Frame


class RealLanes:
    """Several real environments that are stepped together; a lane stops when its episode ends.

    Args:
        envs: One environment per lane.
        cameras: Names of the images that make up a frame, concatenated on the channel axis.

    Attributes:
        done: Which lanes have ended their episode ``[b]``.
    """

    def __init__(self, envs: Sequence[RealEnv], cameras: Sequence[str]) -> None:
        self.envs = list(envs)
        self.cameras = tuple(cameras)
        self.done = np.zeros(len(self.envs), dtype=bool)
        self._images: list[np.ndarray] = []

    def __len__(self) -> int:
        """Return the number of lanes."""
        return len(self.envs)

    @property
    def action_space(self) -> gym.Space:
        """The action space of one lane."""
        return self.envs[0].action_space

    @property
    def pixels(self) -> np.ndarray:
        """The current frames, uint8 ``[b, h, w, c]``."""
        return np.stack(self._images)

    @property
    def frames(self) -> Frame:
        """The current frames, float ``[b, c, h, w]`` in [-1, 1]."""
        return frames_to_float(torch.from_numpy(self.pixels))

    def observation(self, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        """Return observations as from ``FrameObservation``: pixels by camera ``[b, h, w, 3]``, and readings ``[b, d]``.

        Args:
            sizes: The size of each reading, by its name in the observation. Missing readings are NaN.

        Raises:
            ValueError: A reading has another size.
        """
        views = np.split(self.pixels, len(self.cameras), axis=-1)
        states = [{strip_prefix(name): values for name, values in env.state().items()} for env in self.envs]
        readings = {name: np.stack([_reading(state, name, size) for state in states]) for name, size in sizes.items()}
        return dict(zip(self.cameras, views, strict=True)) | readings

    def reset(self, seeds: Sequence[int]) -> None:
        """Start a new episode in every lane with its own seed."""
        for env, seed in zip(self.envs, seeds, strict=True):
            env.reset(seed=int(seed))
        self._start()

    def restore(self, task: GoalTask, states: Sequence[State], last_actions: Sequence[Any]) -> None:
        """Restore a recorded state in every lane.

        Raises:
            RestoreError: The state that a lane then reports differs.
        """
        for env, state, last_action in zip(self.envs, states, last_actions, strict=True):
            env.observe(*task.restore(env, state, last_action))
        self._start()

    def step(self, actions: Sequence[Any]) -> np.ndarray:
        """Take one step in every lane that is not done, and return the rewards ``[b]``; 0 for the other lanes."""
        rewards = np.zeros(len(self.envs))
        for i in np.flatnonzero(~self.done).tolist():
            _, reward, terminated, truncated, _ = self.envs[i].step(actions[i])
            rewards[i] = float(reward)
            self.done[i] = terminated or truncated
            self._images[i] = self._image(self.envs[i])
        return rewards

    def close(self) -> None:
        """Close every environment."""
        for env in self.envs:
            env.close()

    def __enter__(self) -> RealLanes:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _start(self) -> None:
        self.done[:] = False
        self._images = [self._image(env) for env in self.envs]

    def _image(self, env: RealEnv) -> np.ndarray:
        frames = env.frames()
        if len(frames) == len(self.cameras) == 1:  # names of a single camera may differ
            return next(iter(frames.values()))
        missing = [camera for camera in self.cameras if camera not in frames]
        if missing:
            raise ValueError(
                f"`env` must have the world's cameras {self.cameras}, got {tuple(frames)}. "
                "Pass the environment that the world was trained on."
            )
        return np.concatenate([frames[camera] for camera in self.cameras], axis=-1)


def _reading(state: Mapping[str, np.ndarray], name: str, size: int) -> np.ndarray:
    values = state.get(name, np.full(size, np.nan))
    if len(values) != size:
        raise ValueError(
            f"`env` must report {size} numbers as {name!r}, the reading that the policy observes, got {len(values)}. "
            "Pass the environment that was recorded."
        )
    return values.astype(np.float32)
