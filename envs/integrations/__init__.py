"""Adapters that turn vector environments into those of Stable-Baselines3, TorchRL and Tianshou.

A name is imported when it is first used, since it needs the library that it adapts to.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vdworld.envs.integrations.stable_baselines3 import VecEnvAdapter
    from vdworld.envs.integrations.tianshou import tianshou_vector_env
    from vdworld.envs.integrations.torchrl import TorchRLEnv

__all__ = ["TorchRLEnv", "VecEnvAdapter", "tianshou_vector_env"]

_MODULE_OF = {
    "TorchRLEnv": "vdworld.envs.integrations.torchrl",
    "VecEnvAdapter": "vdworld.envs.integrations.stable_baselines3",
    "tianshou_vector_env": "vdworld.envs.integrations.tianshou",
}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
