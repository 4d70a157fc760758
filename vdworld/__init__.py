"""Train a video diffusion world model on your own recordings and use it as a Gymnasium environment.

The public names are loaded when they are first used, so that importing the package costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import gymnasium

if TYPE_CHECKING:
    from vdworld import agents as agents
    from vdworld import benchmarks as benchmarks
    from vdworld import data as data
    from vdworld import diffusion as diffusion
    from vdworld import envs as envs
    from vdworld import evaluation as evaluation
    from vdworld import metrics as metrics
    from vdworld import networks as networks
    from vdworld import online as online
    from vdworld import spaces as spaces
    from vdworld import training as training
    from vdworld import world as world
    from vdworld.data import Dataset as Dataset
    from vdworld.data import Episode as Episode
    from vdworld.data import EpisodeWriter as EpisodeWriter
    from vdworld.data import load_dataset as load_dataset
    from vdworld.envs.recording.recorder import record as record
    from vdworld.evaluation import evaluate as evaluate
    from vdworld.spec import EnvironmentSpec as EnvironmentSpec
    from vdworld.training import train as train
    from vdworld.world import WorldModel as WorldModel
    from vdworld.world import WorldState as WorldState

__version__ = "0.1.0"

_MODULES = (
    "agents",
    "benchmarks",
    "data",
    "diffusion",
    "envs",
    "evaluation",
    "metrics",
    "networks",
    "online",
    "spaces",
    "training",
    "world",
)
_NAMES = {
    "Dataset": "vdworld.data",
    "EnvironmentSpec": "vdworld.spec",
    "Episode": "vdworld.data",
    "EpisodeWriter": "vdworld.data",
    "WorldModel": "vdworld.world",
    "WorldState": "vdworld.world",
    "evaluate": "vdworld.evaluation",
    "load_dataset": "vdworld.data",
    "record": "vdworld.envs.recording.recorder",
    "train": "vdworld.training",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"vdworld.{name}")
    raise AttributeError(f"module 'vdworld' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, *_MODULES})


if "vdworld/Dream-v0" not in gymnasium.registry:
    gymnasium.register(
        id="vdworld/Dream-v0",
        entry_point="vdworld.envs.dream.dream_env:DreamEnv",
        vector_entry_point="vdworld.envs.dream.dream_vector_env:DreamVectorEnv",
    )
    gymnasium.register(id="vdworld/Bounce-v0", entry_point="vdworld.envs.games.bounce:BounceEnv", max_episode_steps=200)
    gymnasium.register(id="vdworld/Atari-v0", entry_point="vdworld.envs.games.atari:make_atari")
