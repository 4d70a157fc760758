"""Dreams as Gymnasium environments: ``DreamEnv`` for one, ``DreamVectorEnv`` for a batch."""

from vdworld.envs.dream.dream_dynamics import RewardFunction
from vdworld.envs.dream.dream_env import DreamEnv
from vdworld.envs.dream.dream_vector_env import DreamVectorEnv
from vdworld.envs.dream.snapshots import DreamSnapshot, VectorSnapshot

__all__ = ["DreamEnv", "DreamSnapshot", "DreamVectorEnv", "RewardFunction", "VectorSnapshot"]
