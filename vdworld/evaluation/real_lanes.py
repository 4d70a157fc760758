"""Real environments in lock-step: one lane per episode, one batch of frames for the agent."""

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
    """Step several real environments together; a lane whose episode is over stands still.

    Args:
        envs: One environment per lane.
        cameras: Names of the pictures that make up a frame, side by side on the channel axis.
    """

    def __init__(self, envs: Sequence[RealEnv], cameras: Sequence[str]) -> None:
        self.envs = list(envs)
        self.cameras = tuple(cameras)
        self.over = np.zeros(len(self.envs), dtype=bool)
        self._pictures: list[np.ndarray] = []

    def __len__(self) -> int:
        """Return the number of lanes."""
        return len(self.envs)

    @property
    def action_space(self) -> gym.Space:
        """The action space of one lane."""
        return self.envs[0].action_space

    @property
    def pixels(self) -> np.ndarray:
        """The present pictures, uint8 ``[b, h, w, c]``."""
        return np.stack(self._pictures)

    @property
    def frames(self) -> Frame:
        """The present frames, float ``[b, c, h, w]`` in [-1, 1]."""
        return frames_to_float(torch.from_numpy(self.pixels))

    def observation(self, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        """Return what ``FrameObservation`` shows: pixels by camera ``[b, h, w, 3]``, and readings ``[b, d]``.

        Args:
            sizes: How many numbers each reading holds, by the name that it has in the observation; NaN where an
                environment tells none just now.

        Raises:
            ValueError: The environment tells another count of numbers.
        """
        views = np.split(self.pixels, len(self.cameras), axis=-1)
        told = [{strip_prefix(name): values for name, values in env.state().items()} for env in self.envs]
        read = {name: np.stack([_numbers(lane, name, size) for lane in told]) for name, size in sizes.items()}
        return dict(zip(self.cameras, views, strict=True)) | read

    def reset(self, seeds: Sequence[int]) -> None:
        """Start a new episode in every lane, each from its own seed."""
        for env, seed in zip(self.envs, seeds, strict=True):
            env.reset(seed=int(seed))
        self._begin()

    def restore(self, task: GoalTask, states: Sequence[State], last_actions: Sequence[Any]) -> None:
        """Put every lane into a recorded state.

        Raises:
            RestoreError: A lane reports another state than the one it was given.
        """
        for env, state, last_action in zip(self.envs, states, last_actions, strict=True):
            env.observe(*task.restore(env, state, last_action))
        self._begin()

    def step(self, actions: Sequence[Any]) -> np.ndarray:
        """Take one step in every lane that is not over, and return the rewards ``[b]``, 0 for the others."""
        rewards = np.zeros(len(self.envs))
        for i in np.flatnonzero(~self.over).tolist():
            _, reward, terminated, truncated, _ = self.envs[i].step(actions[i])
            rewards[i] = float(reward)
            self.over[i] = terminated or truncated
            self._pictures[i] = self._picture(self.envs[i])
        return rewards

    def close(self) -> None:
        """Close every environment."""
        for env in self.envs:
            env.close()

    def __enter__(self) -> RealLanes:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _begin(self) -> None:
        self.over[:] = False
        self._pictures = [self._picture(env) for env in self.envs]

    def _picture(self, env: RealEnv) -> np.ndarray:
        frames = env.frames()
        if len(frames) == len(self.cameras) == 1:  # the only picture, whatever it is called
            return next(iter(frames.values()))
        missing = [camera for camera in self.cameras if camera not in frames]
        if missing:
            raise ValueError(
                f"`env` must show the world's cameras {self.cameras}, got {tuple(frames)}. "
                "Pass the environment that the world was trained on."
            )
        return np.concatenate([frames[camera] for camera in self.cameras], axis=-1)


def _numbers(told: Mapping[str, np.ndarray], name: str, size: int) -> np.ndarray:
    values = told.get(name, np.full(size, np.nan))
    if len(values) != size:
        raise ValueError(
            f"`env` must tell {size} numbers under {name!r}, as the policy learnt to read, got {len(values)}. "
            "Pass the environment that was recorded."
        )
    return values.astype(np.float32)
