"""What goal-reaching in a real environment needs besides Gymnasium: exact restore, distance, success."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np

State = Mapping[str, np.ndarray]
"""One recorded row: the numeric observations and info of one moment, under the names of the dataset."""


class RestoreError(RuntimeError):
    """An environment did not take the state that it was given."""


@runtime_checkable
class GoalTask(Protocol):
    """Goal-reaching in one environment, judged on its true state rather than on pixels.

    Attributes:
        state_keys: The entries of a recorded state that the task reads, such as ``"info.block_pose"``.
        unit: The unit of ``distance``.
        distance_rule: One sentence for reports: what ``distance`` measures.
        success_rule: One sentence for reports: when ``success`` holds.
        strict_rule: Likewise for ``strict_success``.
    """

    state_keys: tuple[str, ...]
    unit: str
    distance_rule: str
    success_rule: str
    strict_rule: str

    def restore(self, env: gym.Env, state: State, last_action: Any = None) -> tuple[Any, dict[str, Any]]:
        """Put the environment into a recorded state, start a new episode there, and answer as ``reset`` does.

        Args:
            env: The environment, wrapped or not.
            state: The recorded state; must hold ``state_keys``.
            last_action: The action that led to the state, for environments that draw it into the frame.

        Raises:
            RestoreError: The environment reports another state than the one it was given.
        """
        ...

    def read(self, env: gym.Env) -> State:
        """Return the environment's present state, under ``state_keys``."""
        ...

    def distance(self, state: State, goal: State) -> float:
        """Return how far `state` is from `goal`; 0 at the goal."""
        ...

    def success(self, state: State, goal: State) -> bool:
        """Return whether `state` counts as having reached `goal`."""
        ...

    def strict_success(self, state: State, goal: State) -> bool:
        """Return whether it counts under the stricter rule."""
        ...

    def idle_action(self, env: gym.Env) -> Any:
        """Return the action that does nothing from here, in the environment's units."""
        ...


_TASKS = {"gym_pusht/PushT-v0": "vdworld.envs.tasks.pusht.goal_task:PushTTask"}


def register_task(env_id: str, factory: str) -> None:
    """Make a task known under its environment's id.

    Args:
        env_id: The Gymnasium id, such as ``"gym_pusht/PushT-v0"``.
        factory: ``"module:name"`` of a class or function that takes no arguments and returns a ``GoalTask``.

    Raises:
        ValueError: `factory` is not of that form.
    """
    if factory.count(":") != 1:
        raise ValueError(f"`factory` must look like 'module:name', got {factory!r}.")
    _TASKS[env_id] = factory


def find_task(env_id: str) -> GoalTask | None:
    """Return the task of an environment, or None if there is none.

    An id may carry its module as in Gymnasium, ``"gym_pusht:gym_pusht/PushT-v0"``.
    """
    factory = _TASKS.get(env_id.split(":")[-1])
    if factory is None:
        return None
    module, name = factory.split(":")
    return getattr(importlib.import_module(module), name)()
