"""Environments: dreams in a learned world, the real ones they were learned from, and the recording of those.

The names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vdworld.envs.checker import check_vector_env as check_vector_env
    from vdworld.envs.dream import DreamEnv as DreamEnv
    from vdworld.envs.dream_vector import DreamVectorEnv as DreamVectorEnv
    from vdworld.envs.real import RealEnv as RealEnv
    from vdworld.envs.real import make_real as make_real
    from vdworld.envs.recording import record as record
    from vdworld.envs.wrappers import FrameObservation as FrameObservation
    from vdworld.envs.wrappers import RememberContext as RememberContext

_NAMES = {
    "DreamEnv": "vdworld.envs.dream",
    "DreamVectorEnv": "vdworld.envs.dream_vector",
    "FrameObservation": "vdworld.envs.wrappers",
    "RealEnv": "vdworld.envs.real",
    "RememberContext": "vdworld.envs.wrappers",
    "check_vector_env": "vdworld.envs.checker",
    "make_real": "vdworld.envs.real",
    "record": "vdworld.envs.recording",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'vdworld.envs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
