"""What learning in dreams needs from a configuration, whether the world is fixed or trained on the way."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from omegaconf import DictConfig

from vdworld.agents.policies.actor_critic import Report
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.commands.arguments import keyword_arguments
from vdworld.training.logging import TrainingLog

DREAMS = ("num_envs", "max_episode_steps", "uncertainty_limit", "starts", "num_sampling_steps")
SETTINGS = tuple(field.name for field in fields(LearningSettings))


def learning_settings(config: DictConfig) -> dict[str, Any]:
    """Return the fields of ``LearningSettings`` in a configuration."""
    return keyword_arguments(LearningSettings, {name: config[name] for name in SETTINGS})


def reporter(log: TrainingLog, num_steps: int, steps_per_update: int) -> Report:
    """Return a function that logs the figures of each update, with the last known mean return.

    Args:
        log: Where to write.
        num_steps: Steps of the whole run.
        steps_per_update: Steps of all lanes together between two updates.
    """
    last_return: dict[str, float] = {}

    def report(step: int, figures: dict[str, float]) -> None:
        last_return.update({name: value for name, value in figures.items() if name == "return"})
        log.shown["reward"] = f"{figures['reward']:.3f}"
        if last_return:
            log.shown["return"] = f"{last_return['return']:.2f}"
        share = min(step / num_steps, 1.0)
        log.step(step // steps_per_update, share, steps_per_update, {**figures, **last_return})

    return report
