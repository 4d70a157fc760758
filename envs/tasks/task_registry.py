"""The environments that have a goal-reaching task: those with a folder here, and those that users register."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vdworld.envs.tasks.task import GoalTask

_REGISTERED: dict[str, str] = {}  # environment id -> "module:name", by `register_task`


@dataclass(frozen=True)
class TaskEnvironment:
    """An environment with a folder of its own in ``vdworld.envs.tasks``.

    Args:
        env_id: Its Gymnasium id, such as ``"gym_pusht/PushT-v0"``.
        goal_task: ``"module:name"`` of a class or function that takes no arguments and returns a ``GoalTask``.
        module: The module that registers the id with Gymnasium.
        extra: The extra of vdworld that installs the module.
        recording_kwargs: Keyword arguments of the environment that recording uses if the user gives none.
    """

    env_id: str
    goal_task: str
    module: str
    extra: str
    recording_kwargs: Mapping[str, Any] = field(default_factory=dict)


@functools.cache
def task_environments() -> dict[str, TaskEnvironment]:
    """Return the environments with a folder in ``vdworld.envs.tasks``, by id."""
    folder = importlib.import_module(__name__.rpartition(".")[0])
    names = [module.name for module in pkgutil.iter_modules(folder.__path__) if module.ispkg]
    environments = [importlib.import_module(f"{folder.__name__}.{name}").ENVIRONMENT for name in names]
    return {environment.env_id: environment for environment in environments}


def register_task(env_id: str, factory: str) -> None:
    """Register a task under the id of its environment.

    Args:
        env_id: The Gymnasium id, such as ``"my_package/Maze-v0"``.
        factory: ``"module:name"`` of a class or function that takes no arguments and returns a ``GoalTask``.

    Raises:
        ValueError: `factory` does not have this form.
    """
    if factory.count(":") != 1:
        raise ValueError(f"`factory` must look like 'module:name', got {factory!r}.")
    _REGISTERED[env_id] = factory


def find_task(env_id: str) -> GoalTask | None:
    """Return the task of an environment, or None if it has none.

    Args:
        env_id: The Gymnasium id, with or without its module: ``"gym_pusht:gym_pusht/PushT-v0"``.
    """
    name = env_id.split(":")[-1]
    environment = task_environments().get(name)
    factory = _REGISTERED.get(name) or (None if environment is None else environment.goal_task)
    if factory is None:
        return None
    module, _, attribute = factory.partition(":")
    return getattr(importlib.import_module(module), attribute)()
