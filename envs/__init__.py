"""Environments: dreams in a learned world, the real environments behind them, and the recording of experience.

A name is imported when it is first used. The subpackages are ``dream``, ``real``, ``recording``, ``games``, ``tasks``,
``checking`` and ``integrations``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vdworld.envs import checking, dream, games, integrations, real, recording, tasks
    from vdworld.envs.checking import check_vector_env
    from vdworld.envs.dream import DreamEnv, DreamVectorEnv
    from vdworld.envs.real import FrameObservation, RealEnv, RememberContext, make_real, make_real_vec
    from vdworld.envs.recording import record

__all__ = [
    "DreamEnv",
    "DreamVectorEnv",
    "FrameObservation",
    "RealEnv",
    "RememberContext",
    "check_vector_env",
    "checking",
    "dream",
    "games",
    "integrations",
    "make_real",
    "make_real_vec",
    "real",
    "record",
    "recording",
    "tasks",
]

_SUBPACKAGE_OF = {
    "DreamEnv": "dream",
    "DreamVectorEnv": "dream",
    "FrameObservation": "real",
    "RealEnv": "real",
    "RememberContext": "real",
    "check_vector_env": "checking",
    "make_real": "real",
    "make_real_vec": "real",
    "record": "recording",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    subpackage = importlib.import_module(f"{__name__}.{_SUBPACKAGE_OF.get(name, name)}")
    return getattr(subpackage, name) if name in _SUBPACKAGE_OF else subpackage


def __dir__() -> list[str]:
    return __all__
