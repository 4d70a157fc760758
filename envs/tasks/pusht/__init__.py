"""PushT (``gym_pusht/PushT-v0``): its goal-reaching task, and exploration that touches the block."""

from vdworld.envs.tasks.pusht.contact_exploration import ContactExploration
from vdworld.envs.tasks.pusht.environment import ENVIRONMENT
from vdworld.envs.tasks.pusht.goal_task import PushTTask

__all__ = ["ENVIRONMENT", "ContactExploration", "PushTTask"]
