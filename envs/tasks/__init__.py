"""Goal-reaching tasks in real environments, one folder per environment.

A folder's package exports ``ENVIRONMENT``, a ``TaskEnvironment``. Nothing else needs to know the folder, apart from
``packages`` in ``pyproject.toml``.
"""

from vdworld.envs.tasks.task import GoalTask, RestoreError, State
from vdworld.envs.tasks.task_registry import TaskEnvironment, find_task, register_task, task_environments

__all__ = ["GoalTask", "RestoreError", "State", "TaskEnvironment", "find_task", "register_task", "task_environments"]
