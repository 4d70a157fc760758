"""Checkpoints of an actor-critic during training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vdworld.training import checkpoint as files
from vdworld.world.older_names import with_present_names

if TYPE_CHECKING:
    from vdworld.agents.policies.actor_critic import ActorCritic


def save_learner(learner: ActorCritic, folder: Path) -> None:
    """Write the weights, the optimiser and all running statistics."""
    tensors = {
        **files.module_tensors("network", learner.network),
        **files.module_tensors("slow_critic", learner.slow_critic.average),
        **files.optimizer_tensors("optimizer", learner.optimizer),
        "return_normalizer": learner.return_normalizer.average,
        "rng": learner.rng.get_state(),
    }
    updates = {
        "slow_critic": learner.slow_critic.num_updates,
        "return_normalizer": learner.return_normalizer.num_updates,
    }
    files.save_checkpoint(folder, tensors, {"num_steps": learner.num_steps, "num_updates": updates})


def resume_learner(learner: ActorCritic, folder: Path) -> None:
    """Restore what ``save_learner`` wrote.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: It belongs to another policy.
    """
    tensors, progress = files.load_checkpoint(folder)
    tensors = with_present_names(tensors)
    try:
        files.load_module("network", learner.network, tensors)
        files.load_module("slow_critic", learner.slow_critic.average, tensors)
    except RuntimeError as error:
        raise ValueError(f"The checkpoint in {folder} belongs to another policy: {error}") from error
    files.load_optimizer("optimizer", learner.optimizer, tensors)
    learner.return_normalizer.average = tensors["return_normalizer"].to(learner.policy.device)
    learner.rng.set_state(tensors["rng"])
    learner.num_steps, updates = progress["num_steps"], with_present_names(progress["num_updates"])
    learner.slow_critic.num_updates = updates["slow_critic"]
    learner.return_normalizer.num_updates = updates["return_normalizer"]
