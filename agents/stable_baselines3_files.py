"""Models that Stable-Baselines3 saved, as agents."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import torch

from vdworld.extras import require

SIGNS = {
    "exploration_fraction": "DQN",
    "policy_delay": "TD3",
    "target_entropy": "SAC",
    "clip_range": "PPO",
    "gae_lambda": "A2C",
}
"""Settings that only one algorithm saves, the first that is found deciding; DDPG is a TD3."""


def load_model(path: Path, *, device: str | torch.device = "cpu") -> Any:
    """Load a model that ``model.save(path)`` of Stable-Baselines3 wrote, whatever its algorithm.

    Stable-Baselines3 unpickles parts of the file: load only files that you trust.

    Raises:
        ImportError: Stable-Baselines3 is not installed.
        ValueError: The file is damaged, or of an algorithm that Stable-Baselines3 lacks.
    """
    algorithms = require("stable_baselines3", "sb3")
    try:
        with zipfile.ZipFile(path) as archive:
            settings = json.loads(archive.read("data"))
        names = [algorithm for sign, algorithm in SIGNS.items() if sign in settings]
        foreign = "sb3_contrib" in str(settings.get("policy_class"))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no model of Stable-Baselines3, or damaged: {error}") from error
    if foreign or not names:
        raise ValueError(
            f"{path} holds a model of an algorithm that Stable-Baselines3 itself lacks. Load it in a function of your "
            "own, and name that: policy=my_module:load_policy."
        )
    return getattr(algorithms, names[0]).load(path, device=device)
