"""PushT (``gym_pusht/PushT-v0``): exact restore, success, and exploration that meets the block."""

from vdworld.envs.tasks.pusht.contact_exploration import ContactExploration
from vdworld.envs.tasks.pusht.goal_task import PushTTask

__all__ = ["ContactExploration", "PushTTask"]
