"""``vdworld learn online=true``: act, record, train a world, learn in its dreams, and again."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from vdworld.agents.policies.actor_critic import Report
from vdworld.benchmarks.results import show_and_keep
from vdworld.commands.arguments import checked, description, given
from vdworld.commands.learn import DREAMS, learning_settings, reporter
from vdworld.commands.train import trainer_settings
from vdworld.envs import DreamVectorEnv
from vdworld.envs.recording.recorder import record
from vdworld.evaluation.report.table import cell
from vdworld.evaluation.returns import real_returns
from vdworld.online import Round, Rounds, learn_online
from vdworld.online.loop import POLICY
from vdworld.online.online_result import PROGRESS
from vdworld.online.rounds import Target
from vdworld.training import train
from vdworld.training.logging import TrainingLog
from vdworld.world import Sampling
from vdworld.world.device import pick_device

UNENDING = {"decay_fraction": 0.0}  # no round knows whether it is the last: the learning rate falls at plateaus alone
NOT_ONLINE = ("world", "prior", "starts")


def run_online(config: DictConfig) -> None:
    """Run all rounds, tell of each, and print the curve."""
    real, output = config.real, Path(config.output)
    if real.env is None:
        raise ValueError("`real.env` must name an environment for online=true, as in real.env=vdworld/Bounce-v0.")
    for name in NOT_ONLINE:
        if config[name] is not None:
            raise ValueError(f"`{name}` must be null with online=true, which makes its own, got {config[name]}.")
    if (output / PROGRESS).exists() and not config.resume:
        raise FileExistsError(f"`output` must be a new folder, got {output}. resume=true goes on with what it holds.")
    names = ("image_size", "action_repeat", "max_episode_steps", "env_kwargs", "test_fraction")
    recording = checked(record, {name: real[name] for name in names})
    playing = checked(real_returns, {name: real[name] for name in ("num_episodes", "max_steps")})
    if real.evaluate_kwargs is not None:
        playing["kwargs"] = OmegaConf.to_container(OmegaConf.merge(real.env_kwargs or {}, real.evaluate_kwargs))
    rounds = Rounds(**checked(Rounds, config.rounds))
    num_per_update = config.num_envs * config.horizon
    with ExitStack() as logs:

        def make_logger(number: int, target: Target) -> Report:
            return reporter(logs.enter_context(TrainingLog(output / POLICY)), target.dream_steps, num_per_update)

        def on_round_end(done: Round) -> None:
            logs.close()
            print(f"[{done.number}/{len(rounds)}] {_in_words(done)}", flush=True)

        try:
            result = learn_online(
                str(real.env),
                output,
                rounds=rounds,
                recording=recording,
                training=_training(config),
                dreams=checked(DreamVectorEnv, {name: config[name] for name in DREAMS if name not in NOT_ONLINE}),
                learning=learning_settings(config),
                playing=playing,
                device=pick_device(config.device),
                make_logger=make_logger,
                on_round_end=on_round_end,
                **checked(learn_online, {"seed": config.seed, **{k: real[k] for k in ("epsilon", "evaluate_every")}}),
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"What was done is safe in {output}; resume=true goes on.") from None
    show_and_keep(result, output, "online", {"curve.png": result.plot})
    print(f"The policy lies in {output / POLICY}, the curves in {output}: tensorboard --logdir {output}")


def _training(config: DictConfig) -> dict[str, object]:
    """Return what ``vdworld.train`` is to be told."""
    settings = {**UNENDING, **trainer_settings(config.training.trainer or DictConfig({}))}
    parts = {name: _described(config.training[name]) for name in ("network", "process")}
    sampling = checked(Sampling, given({**config.sampling, "num_steps": config.num_sampling_steps}))
    return {**checked(train, {"preset": config.training.preset}), **parts, "sampling": sampling, **settings}


def _described(node: DictConfig | None) -> dict[str, object]:
    """Return settings of a network or a process, checked against the class if one is named."""
    return description(node) if node is not None and "_target_" in node else given(node or {})


def _in_words(done: Round) -> str:
    earned = "" if done.real_return is None else f", real return {cell(done.real_return, 2)}"
    return f"{done.real_steps:,} real and {done.dream_steps:,} dreamt steps{earned}, {done.minutes:.1f} minutes"
