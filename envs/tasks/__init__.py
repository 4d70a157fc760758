"""What goal-reaching needs of real environments besides Gymnasium; one file per environment."""

from vdworld.envs.tasks.task import GoalTask, RestoreError, State, find_task, register_task

__all__ = ["GoalTask", "RestoreError", "State", "find_task", "register_task"]
