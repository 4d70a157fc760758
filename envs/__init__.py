"""Environments: dreams in a learned world, the real ones they were learned from, and the recording of those.

The names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vdworld.envs.checking.vector_env_checker import check_vector_env as check_vector_env
    from vdworld.envs.dream.dream_env import DreamEnv as DreamEnv
    from vdworld.envs.dream.dream_vector_env import DreamVectorEnv as DreamVectorEnv
    from vdworld.envs.real.real_env import RealEnv as RealEnv
    from vdworld.envs.real.real_env import make_real as make_real
    from vdworld.envs.real.wrappers import FrameObservation as FrameObservation
    from vdworld.envs.real.wrappers import RememberContext as RememberContext
    from vdworld.envs.recording.recorder import record as record

_NAMES = {
    "DreamEnv": "vdworld.envs.dream.dream_env",
    "DreamVectorEnv": "vdworld.envs.dream.dream_vector_env",
    "FrameObservation": "vdworld.envs.real.wrappers",
    "RealEnv": "vdworld.envs.real.real_env",
    "RememberContext": "vdworld.envs.real.wrappers",
    "check_vector_env": "vdworld.envs.checking.vector_env_checker",
    "make_real": "vdworld.envs.real.real_env",
    "record": "vdworld.envs.recording.recorder",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'vdworld.envs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
