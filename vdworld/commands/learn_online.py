"""``vdworld learn online=true``: act, record, train a world, learn in its dreams, and again."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from vdworld.agents.policies.actor_critic import Report
from vdworld.agents.policies.learning_log import log_updates
from vdworld.benchmarks.results import print_and_save
from vdworld.commands.arguments import description, keyword_arguments, without_nulls
from vdworld.commands.policy_learning import DREAMS, learning_settings
from vdworld.commands.train import trainer_settings
from vdworld.data.layout import INFO
from vdworld.envs import DreamVectorEnv
from vdworld.envs.recording.recorder import record
from vdworld.evaluation.report.table import cell
from vdworld.evaluation.returns import real_returns
from vdworld.online import Round, Rounds, learn_online
from vdworld.online.loop import DATA, POLICY, WORLD
from vdworld.online.online_result import PROGRESS, OnlineResult
from vdworld.online.rounds import Target
from vdworld.training import train
from vdworld.training.checkpoint import has_checkpoint
from vdworld.training.training_log import TrainingLog
from vdworld.world import Sampling
from vdworld.world.device import pick_device

NO_DECAY = {"decay_fraction": 0.0}  # the end of training is unknown: the learning rate falls at plateaus alone
NOT_ONLINE = ("world", "prior", "starts")


def run_online(config: DictConfig) -> None:
    """Run all rounds, print a line after each, and the curve at the end."""
    real, output = config.real, Path(config.output)
    _check(config, output)
    names = ("image_size", "action_repeat", "max_episode_steps", "env_kwargs", "reset_options", "test_fraction")
    recording = keyword_arguments(record, {name: real[name] for name in names})
    playing = keyword_arguments(real_returns, {name: real[name] for name in ("num_episodes", "max_steps")})
    if real.evaluate_kwargs is not None:
        playing["kwargs"] = OmegaConf.to_container(OmegaConf.merge(real.env_kwargs or {}, real.evaluate_kwargs))
    rounds = Rounds(**keyword_arguments(Rounds, config.rounds))
    dreams = [name for name in DREAMS if name not in NOT_ONLINE]
    acting = {"seed": config.seed, "epsilon": real.epsilon, "evaluate_every": real.evaluate_every}
    num_per_update = config.num_envs * config.horizon
    with ExitStack() as logs:

        def make_logger(number: int, target: Target) -> Report:
            return log_updates(logs.enter_context(TrainingLog(output / POLICY)), target.dream_steps, num_per_update)

        def on_round_end(done: Round) -> None:
            logs.close()
            print(f"[{done.number}/{len(rounds)}] {_summary(done)}", flush=True)

        try:
            result = learn_online(
                str(real.env),
                output,
                rounds=rounds,
                recording=recording,
                training=_training(config),
                dreams=keyword_arguments(DreamVectorEnv, {name: config[name] for name in dreams}),
                learning=learning_settings(config),
                playing=playing,
                device=pick_device(config.device),
                make_logger=make_logger,
                on_round_end=on_round_end,
                **keyword_arguments(learn_online, acting),
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_saved_so_far(output)) from None
    print_and_save(result, output, "online", {"curve.png": result.plot})
    print(f"The policy is in {output / POLICY}. Plot the curves: tensorboard --logdir {output}")


def _check(config: DictConfig, output: Path) -> None:
    """Check what an online run needs and what it does not take."""
    if config.real.env is None:
        raise ValueError("`real.env` must be set with online=true, as in real.env=vdworld/Bounce-v0.")
    for name in NOT_ONLINE:
        if config[name] is not None:
            raise ValueError(f"`{name}` must be null with online=true, which creates its own, got {config[name]}.")
    if (output / PROGRESS).exists() and not config.resume:
        raise FileExistsError(f"`output` must be a new folder, got {output}. Resume its run with resume=true.")


def _saved_so_far(output: Path) -> str:
    """Return a sentence for a run that was interrupted: what of it is in its folder."""
    num_rounds = len(OnlineResult.load(output).rounds)
    parts = {
        "recorded episodes": (output / DATA / INFO).is_file(),
        "a checkpoint of the world": has_checkpoint(output / WORLD),
        "a checkpoint of the policy": has_checkpoint(output / POLICY),
    }
    saved = [f"{num_rounds} finished rounds"] * bool(num_rounds) + [name for name, exists in parts.items() if exists]
    if not saved:
        return "Nothing was saved yet: start again."
    return f"{', '.join(saved)} are saved in {output}. Resume with the same command and resume=true."


def _training(config: DictConfig) -> dict[str, object]:
    """Return keyword arguments of ``vdworld.train``."""
    settings = {**NO_DECAY, **trainer_settings(config.training.trainer or DictConfig({}))}
    parts = {name: _described(config.training[name]) for name in ("network", "process")}
    sampling = keyword_arguments(Sampling, without_nulls({**config.sampling, "num_steps": config.num_sampling_steps}))
    return {**keyword_arguments(train, {"preset": config.training.preset}), **parts, "sampling": sampling, **settings}


def _described(node: DictConfig | None) -> dict[str, object]:
    """Return settings of a network or a process, checked against the class if there is a ``_target_``."""
    return description(node) if node is not None and "_target_" in node else without_nulls(node or {})


def _summary(done: Round) -> str:
    real_return = "" if done.real_return is None else f", real return {cell(done.real_return, 2)}"
    return f"{done.real_steps:,} real and {done.dream_steps:,} dreamt steps{real_return}, {done.minutes:.1f} minutes"
