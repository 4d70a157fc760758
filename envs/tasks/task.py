"""The protocol of a goal-reaching task: what it needs of a real environment besides Gymnasium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np

State = Mapping[str, np.ndarray]
"""One recorded row: the numeric observations and info of one time step, under their names in the dataset."""


class RestoreError(RuntimeError):
    """An environment reports another state than the one that was restored."""


@runtime_checkable
class GoalTask(Protocol):
    """Goal-reaching in one environment, judged on its true state rather than on pixels.

    Attributes:
        state_keys: The entries of a recorded state that the task reads, such as ``"info.block_pose"``.
        unit: The unit of ``distance``.
        distance_rule: What ``distance`` measures, as a sentence for reports.
        success_rule: When ``success`` holds, as a sentence for reports.
        strict_rule: When ``strict_success`` holds, as a sentence for reports.
    """

    state_keys: tuple[str, ...]
    unit: str
    distance_rule: str
    success_rule: str
    strict_rule: str

    def restore(self, env: gym.Env, state: State, last_action: Any = None) -> tuple[Any, dict[str, Any]]:
        """Start a new episode in a recorded state, and return observation and info as ``reset`` does.

        Args:
            env: The environment, wrapped or not.
            state: The recorded state; must hold ``state_keys``.
            last_action: The action that led to the state, for environments that draw it into the frame.

        Raises:
            RestoreError: The environment reports another state than `state`.
        """
        ...

    def read(self, env: gym.Env) -> State:
        """Return the environment's current state, under ``state_keys``."""
        ...

    def distance(self, state: State, goal: State) -> float:
        """Return the distance of `state` from `goal`; 0 at the goal."""
        ...

    def success(self, state: State, goal: State) -> bool:
        """Return whether `state` counts as having reached `goal`."""
        ...

    def strict_success(self, state: State, goal: State) -> bool:
        """Return whether `state` counts as having reached `goal` under the stricter rule."""
        ...

    def idle_action(self, env: gym.Env) -> Any:
        """Return the action that changes nothing in the current state, in the environment's units."""
        ...
