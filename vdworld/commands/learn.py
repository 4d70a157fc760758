"""``vdworld learn``: let a policy learn in dreams, and keep it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from gymnasium.vector import AutoresetMode
from omegaconf import DictConfig

from vdworld.agents import ActorCritic, Policy
from vdworld.agents.policies.learning_log import log_updates
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.commands.arguments import checked
from vdworld.commands.worlds import load_world
from vdworld.envs import DreamVectorEnv
from vdworld.training.checkpoint import has_checkpoint
from vdworld.training.logging import TrainingLog

DREAMS = ("num_envs", "max_episode_steps", "uncertainty_limit", "starts", "num_sampling_steps")
SETTINGS = tuple(field.name for field in fields(LearningSettings))


def run(config: DictConfig) -> None:
    """Learn, and say where the policy lies."""
    if config.online:
        from vdworld.commands.learn_online import run_online

        return run_online(config)
    output = Path(config.output)
    if config.world is None:
        raise ValueError("`world` must name a world's folder, got null. With online=true it is learnt on the way.")
    if not config.resume and (has_checkpoint(output) or (output / "config.json").exists()):
        raise FileExistsError(
            f"`output` must be a new folder, got {output} with a policy in it. resume=true goes on with its learning; "
            "otherwise name another folder."
        )
    prior = None if config.prior is None else Policy.from_pretrained(config.prior)
    dreams = checked(DreamVectorEnv, {name: config[name] for name in DREAMS})
    learning = {name: config[name] for name in ("num_steps", "seed", "resume")}
    settings = learning_settings(config)
    envs = DreamVectorEnv(
        load_world(config),
        **dreams,
        autoreset_mode=AutoresetMode.SAME_STEP,
        output="torch",
    )
    with TrainingLog(output) as log:
        report = log_updates(log, config.num_steps, envs.num_envs * config.horizon)
        given = {"prior": prior, "report": report, "output": output, **checked(ActorCritic.learn, learning)}
        try:
            policy = ActorCritic.learn(envs, **given, **settings)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"A checkpoint is safe in {output}; the same command with resume=true goes on."
            ) from None
    policy.training_info["world"] = str(config.world)
    policy.save_pretrained(output)
    envs.close()
    print(f"The policy lies in {output}.")
    print(f"Let it act in the real environment: vdworld evaluate world={config.world} data=... policy={output}")


def learning_settings(config: DictConfig) -> dict[str, Any]:
    """Return the fields of ``LearningSettings`` that a configuration holds."""
    return checked(LearningSettings, {name: config[name] for name in SETTINGS})
