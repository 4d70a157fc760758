"""Recording of datasets from real environments: ``record``, and ``Exploration``, the policy that it runs by default."""

from vdworld.envs.recording.episode_maker import Policy
from vdworld.envs.recording.exploration import Exploration
from vdworld.envs.recording.recorder import record

__all__ = ["Exploration", "Policy", "record"]
