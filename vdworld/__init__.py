"""Train a video diffusion world model on your own recordings and use it as a Gymnasium environment.

A public name is imported when it is first used, so that ``import vdworld`` costs little more than importing Gymnasium.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import gymnasium

if TYPE_CHECKING:
    from vdworld import (
        agents,
        benchmarks,
        data,
        diffusion,
        envs,
        evaluation,
        metrics,
        networks,
        online,
        spaces,
        training,
        world,
    )
    from vdworld.data import Dataset, Episode, EpisodeWriter, load_dataset
    from vdworld.envs import record
    from vdworld.evaluation import evaluate
    from vdworld.spec import EnvironmentSpec
    from vdworld.training import train
    from vdworld.world import WorldModel, WorldState

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "EnvironmentSpec",
    "Episode",
    "EpisodeWriter",
    "WorldModel",
    "WorldState",
    "__version__",
    "agents",
    "benchmarks",
    "data",
    "diffusion",
    "envs",
    "evaluate",
    "evaluation",
    "load_dataset",
    "metrics",
    "networks",
    "online",
    "record",
    "spaces",
    "train",
    "training",
    "world",
]

_MODULE_OF = {
    "Dataset": "data",
    "EnvironmentSpec": "spec",
    "Episode": "data",
    "EpisodeWriter": "data",
    "WorldModel": "world",
    "WorldState": "world",
    "evaluate": "evaluation",
    "load_dataset": "data",
    "record": "envs",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULE_OF.get(name, name)}")
    return getattr(module, name) if name in _MODULE_OF else module


def __dir__() -> list[str]:
    return __all__


if "vdworld/Dream-v0" not in gymnasium.registry:
    gymnasium.register(
        id="vdworld/Dream-v0",
        entry_point="vdworld.envs.dream.dream_env:DreamEnv",
        vector_entry_point="vdworld.envs.dream.dream_vector_env:DreamVectorEnv",
    )
    gymnasium.register(id="vdworld/Bounce-v0", entry_point="vdworld.envs.games.bounce:BounceEnv", max_episode_steps=200)
    gymnasium.register(id="vdworld/Atari-v0", entry_point="vdworld.envs.games.atari:make_atari")
