"""Checkpoints of an actor-critic that learns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vdworld.training import checkpoint as files

if TYPE_CHECKING:
    from vdworld.agents.policies.actor_critic import ActorCritic


def save_learner(learner: ActorCritic, folder: Path) -> None:
    """Write weights, optimiser and everything that runs along."""
    tensors = {
        **files.module_tensors("network", learner.network),
        **files.module_tensors("slow_critic", learner.slow_critic.average),
        **files.optimizer_tensors("optimizer", learner.optimizer),
        "spread": learner.spread.average,
        "rng": learner.rng.get_state(),
    }
    updates = {"slow_critic": learner.slow_critic.num_updates, "spread": learner.spread.num_updates}
    files.save_checkpoint(folder, tensors, {"num_steps": learner.num_steps, "num_updates": updates})


def resume_learner(learner: ActorCritic, folder: Path) -> None:
    """Put back what ``save_learner`` wrote.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: It belongs to another policy.
    """
    tensors, progress = files.load_checkpoint(folder)
    try:
        files.load_module("network", learner.network, tensors)
        files.load_module("slow_critic", learner.slow_critic.average, tensors)
    except RuntimeError as error:
        raise ValueError(f"The checkpoint in {folder} belongs to another policy: {error}") from error
    files.load_optimizer("optimizer", learner.optimizer, tensors)
    learner.spread.average = tensors["spread"].to(learner.policy.device)
    learner.rng.set_state(tensors["rng"])
    learner.num_steps, updates = progress["num_steps"], progress["num_updates"]
    learner.slow_critic.num_updates, learner.spread.num_updates = updates["slow_critic"], updates["spread"]
