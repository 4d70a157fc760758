"""Real environments behind cameras: built from an ``EnvironmentSpec``, and wrapped to match dreams of them."""

from vdworld.envs.real.real_env import RealEnv, make_real
from vdworld.envs.real.real_vector_env import make_real_vec
from vdworld.envs.real.wrappers import FrameObservation, RememberContext

__all__ = ["FrameObservation", "RealEnv", "RememberContext", "make_real", "make_real_vec"]
