"""Checkpoints of an actor-critic during training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from vdworld.json_values import reading, value_from_json
from vdworld.training import checkpoint as files
from vdworld.training.run_settings import RunSettings
from vdworld.training.training_log import say
from vdworld.world.older_names import with_present_names

if TYPE_CHECKING:
    from vdworld.agents.policies.actor_critic import ActorCritic
    from vdworld.agents.policies.learning_settings import LearningSettings
    from vdworld.agents.policies.policy import Policy


FIXED = ("hidden_dim", "recurrent", "frame_stack")
"""Settings that decide the shape of a policy's network."""


def run_settings(policy: Policy, settings: LearningSettings, seed: int) -> RunSettings:
    """Return what decides a run: the policy, which a resumed run keeps, and how it learns."""
    values = asdict(settings)
    network = {name: getattr(policy.network, name) for name in FIXED}
    fixed = {**network, "observation_space": policy.observation_space, "action_space": policy.action_space}
    return RunSettings(fixed, {**{k: v for k, v in values.items() if k not in FIXED}, "seed": seed})


COLLECTOR = files.EXPERIENCE


def save_learner(learner: ActorCritic, folder: Path, collected: Mapping[str, Tensor]) -> None:
    """Write the weights, the optimiser, all running statistics, and the state of the collector."""
    tensors = {
        **files.module_tensors("network", learner.network),
        **files.module_tensors("slow_critic", learner.slow_critic.average),
        **files.optimizer_tensors("optimizer", learner.optimizer),
        "return_normalizer": learner.return_normalizer.average,
        "rng": learner.rng.get_state(),
        **{f"{COLLECTOR}{name}": value for name, value in collected.items()},
    }
    updates = {
        "slow_critic": learner.slow_critic.num_updates,
        "return_normalizer": learner.return_normalizer.num_updates,
    }
    progress = {"num_steps": learner.num_steps, "num_updates": updates, "run": learner.run.to_json()}
    files.save_checkpoint(folder, tensors, progress)


def resume_learner(learner: ActorCritic, folder: Path) -> dict[str, Tensor]:
    """Restore what ``save_learner`` wrote, say which settings changed since, and return the collector's state.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: It belongs to another policy.
    """
    with reading(folder, files.ADVICE):
        return _restore(learner, folder, *files.load_checkpoint(folder))


def _restore(
    learner: ActorCritic, folder: Path, tensors: dict[str, Tensor], progress: dict[str, Any]
) -> dict[str, Tensor]:
    tensors = with_present_names(tensors)
    say(learner.run.resume(progress.get("run"), f"step {progress['num_steps']}", folder))
    modules = {"network": learner.network, "slow_critic": learner.slow_critic.average}
    files.load_modules(modules, tensors, folder, "policy")
    files.load_optimizer("optimizer", learner.optimizer, tensors)
    learner.return_normalizer.average = tensors["return_normalizer"].to(learner.policy.device).reshape(())
    learner.rng.set_state(tensors["rng"])
    learner.num_steps = value_from_json("num_steps", progress["num_steps"], int)
    updates = value_from_json("num_updates", with_present_names(progress["num_updates"]), dict[str, int])
    learner.slow_critic.num_updates = updates["slow_critic"]
    learner.return_normalizer.num_updates = updates["return_normalizer"]
    inner = {name: value for name, value in tensors.items() if name.startswith(COLLECTOR)}
    return {name.removeprefix(COLLECTOR): value for name, value in inner.items()}
