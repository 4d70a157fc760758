"""What learning in dreams needs from a configuration, whether the world is fixed or trained on the way."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from omegaconf import DictConfig

from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.commands.arguments import keyword_arguments

DREAMS = (
    "num_envs",
    "max_episode_steps",
    "uncertainty_limit",
    "starts",
    "trust_environment",
    "num_sampling_steps",
)
SETTINGS = tuple(field.name for field in fields(LearningSettings))


def learning_settings(config: DictConfig) -> dict[str, Any]:
    """Return the fields of ``LearningSettings`` in a configuration."""
    return keyword_arguments(LearningSettings, {name: config[name] for name in SETTINGS})
