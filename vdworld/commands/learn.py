"""``vdworld learn``: train a policy in dreams, and save it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gymnasium.vector import AutoresetMode
from omegaconf import DictConfig

from vdworld.agents import ActorCritic, Policy
from vdworld.agents.policies.learning_log import log_updates
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.commands.arguments import keyword_arguments
from vdworld.commands.effective_values import Fallback
from vdworld.commands.learn_online import run_online
from vdworld.commands.output_folder import POLICY, check_output
from vdworld.commands.policy_learning import DREAMS, learning_settings
from vdworld.commands.world_loading import load_world
from vdworld.envs import DreamVectorEnv
from vdworld.training.checkpoint import where_to_resume
from vdworld.training.training_log import TrainingLog


def run(config: DictConfig) -> None:
    """Train the policy, and print where it is."""
    if config.online:
        return run_online(config)
    output = Path(config.output)
    if config.world is None:
        raise ValueError("`world` must be a world folder, got null. With online=true the world is trained on the way.")
    check_output(output, POLICY, resume=config.resume)
    prior = None if config.prior is None else Policy.from_pretrained(config.prior)
    dreams = keyword_arguments(DreamVectorEnv, {name: config[name] for name in DREAMS})
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
        settings |= {"prior": prior, "report": report, "output": output}
        try:
            policy = ActorCritic.learn(envs, **keyword_arguments(ActorCritic.learn, learning), **settings)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(where_to_resume(output)) from None
    policy.training_info["world"] = str(config.world)
    policy.save_pretrained(output)
    envs.close()
    print(f"The policy is in {output}.")
    print(f"Let it act in the real environment: vdworld evaluate world={config.world} data=... policy={output}")


def fallbacks(config: DictConfig) -> Iterator[Fallback]:
    """Yield what null stands for in the settings of some objectives."""
    settings = LearningSettings(**learning_settings(config))
    values = {"num_epochs": settings.epochs, "num_minibatches": settings.minibatches}
    yield Fallback("", values, f"objective {settings.objective}")
