"""The loop: act, record, train the world, learn in its dreams, evaluate; each part goes on from what lies on disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import AutoresetMode

from vdworld.agents import ActorCritic, Policy
from vdworld.agents.policies.actor_critic import Report
from vdworld.agents.policies.recorded_policy import RecordedPolicy
from vdworld.data import Dataset, load_dataset
from vdworld.data.layout import INFO
from vdworld.envs import DreamVectorEnv
from vdworld.envs.recording.recorder import record
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.returns import real_returns
from vdworld.extras import require
from vdworld.online.rounds import OnlineResult, Round, Rounds, Target
from vdworld.spec import EnvironmentSpec
from vdworld.training import train
from vdworld.world import WorldModel

DATA, WORLD, POLICY = "data", "world", "policy"
"""The folders of an online run."""


class OnlineLoop:
    """Everything that one online run needs; ``learn_online`` explains the arguments."""

    def __init__(
        self,
        env: str,
        output: Path,
        rounds: Rounds,
        *,
        recording: dict[str, Any],
        training: dict[str, Any],
        dreams: dict[str, Any],
        learning: dict[str, Any],
        playing: dict[str, Any],
        epsilon: float,
        device: torch.device | str,
        seed: int,
    ) -> None:
        self.env, self.output, self.rounds = env, output, rounds
        self.recording, self.training, self.dreams, self.learning = recording, training, dreams, learning
        self.playing, self.epsilon, self.device, self.seed = playing, epsilon, device, seed

    def act(self, target: Target, policy: Policy | None) -> Dataset:
        """Record until there are enough real steps; random ones where there is no policy yet."""
        path = self.output / DATA
        if (path / INFO).is_file() and (known := load_dataset(path)).num_steps >= target.real_steps:
            return known
        settings = {"num_steps": target.real_steps, "num_envs": 1, "seed": self.seed, "cut": False, **self.recording}
        return record(
            self.env, path, policy=None if policy is None else RecordedPolicy(policy, self.epsilon), **settings
        )

    def train(self, target: Target, dataset: Dataset, first: bool) -> WorldModel:
        """Train the world on what was recorded so far."""
        path = self.output / WORLD
        known = None if first else WorldModel.from_pretrained(path, device=self.device)
        settings = {"output": path, "resume": True, "max_steps": target.world_steps, "seed": self.seed}
        return train(dataset, world=known, device=self.device, **settings, **self.training)

    def learn(self, target: Target, dataset: Dataset, world: WorldModel, report: Report | None) -> Policy:
        """Let the policy learn in dreams that begin in the recordings."""
        path = self.output / POLICY
        envs = DreamVectorEnv(
            world,
            starts=dataset.split("train"),
            autoreset_mode=AutoresetMode.SAME_STEP,
            output="torch",
            **self.dreams,
        )
        policy = ActorCritic.learn(
            envs, num_steps=target.dream_steps, output=path, resume=True, seed=self.seed, report=report, **self.learning
        )
        policy.save_pretrained(path)
        return policy

    def play(self, policy: Policy, world: WorldModel, spec: EnvironmentSpec, result: OnlineResult) -> Any:
        """Return the policy's mean return in the real environment; the floors are measured once."""
        baselines, settings = (
            not result.baselines,
            {"cameras": world.cameras, "seed": 10_000 + self.seed, **self.playing},
        )
        returns = real_returns(spec, {"policy": policy}, image_size=world.image_size, baselines=baselines, **settings)
        result.baselines |= {name: returns.interval(name) for name in returns.plays if name != "policy"}
        return returns.interval("policy")


def learn_online(
    env: str,
    output: str | Path,
    *,
    rounds: Rounds | None = None,
    recording: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
    dreams: dict[str, Any] | None = None,
    learning: dict[str, Any] | None = None,
    playing: dict[str, Any] | None = None,
    evaluate_every: int = 1,
    epsilon: float = 0.01,
    device: torch.device | str = "cpu",
    seed: int = 0,
    make_logger: Callable[[int, Target], Report | None] = lambda number, target: None,
    on_round_end: Callable[[Round], None] = lambda done: None,
) -> OnlineResult:
    """Learn a policy while acting: every round adds real steps, trains the world on all of them, and dreams on.

    `output` holds the dataset, the world, the policy, TensorBoard curves and ``progress.json``. The same call goes on
    where an interrupted one ended: recordings, training and learning each have a checkpoint of their own, and every
    round has targets that count from the beginning.

    Args:
        env: A Gymnasium id.
        output: The run's folder.
        rounds: How much of everything, when.
        recording: Settings of ``vdworld.record``, such as ``{"image_size": 32}``.
        training: Settings of ``vdworld.train``.
        dreams: Settings of ``DreamVectorEnv``, such as ``{"num_envs": 32, "max_episode_steps": 50}``.
        learning: Settings of ``ActorCritic.learn``.
        playing: Settings of the evaluation: ``num_episodes``, ``max_steps``, and ``kwargs`` of the environment where
            they differ from those it learns in.
        evaluate_every: Rounds between two evaluations, 0 for none; the last round is always evaluated.
        epsilon: Share of random actions among the policy's own while it acts.
        device: Where to train, dream and learn.
        seed: Of everything random.
        make_logger: Gives what is told the figures of a round's learning, by its number and targets.
        on_round_end: Is told every round that is done.

    Raises:
        ValueError: `output` holds a run of another environment, or a setting that doesn't fit.
    """
    folder, chosen = Path(output), rounds or Rounds()
    parts = {"recording": recording, "training": training, "dreams": dreams, "learning": learning, "playing": playing}
    given = {name: part or {} for name, part in parts.items()}
    loop = OnlineLoop(env, folder, chosen, **given, epsilon=epsilon, device=device, seed=seed)
    result = OnlineResult.load(folder)
    if result.about.get("env", env) != env:
        raise ValueError(
            f"`output` must be a run of {env}, got {folder} with one of {result.about['env']}. Name another."
        )
    result.about = {"env": env, "seed": str(seed), **provenance(torch.device(device))}
    policy = Policy.from_pretrained(folder / POLICY, device=device) if result.rounds else None
    for number, target in enumerate(chosen, start=1):
        if number <= len(result.rounds):
            continue
        began = time.monotonic()
        dataset = loop.act(target, policy)
        world = loop.train(target, dataset, first=number == 1)
        policy = loop.learn(target, dataset, world, make_logger(number, target))
        earned = None
        if number == len(chosen) or (evaluate_every and number % evaluate_every == 0):
            assert dataset.spec is not None
            earned = loop.play(policy, world, dataset.spec, result)
        minutes = (time.monotonic() - began) / 60
        done = Round(number, dataset.num_steps, target.world_steps, target.dream_steps, minutes, earned)
        result.rounds.append(done)
        result.save(folder)
        _log(folder, done)
        on_round_end(done)
    return result


def _log(folder: Path, done: Round) -> None:
    """Note a round in TensorBoard, against the real steps so far."""
    figures = {"dream_steps": done.dream_steps, "world_steps": done.world_steps, "minutes": done.minutes}
    if done.real_return is not None:
        ends = {"real_return": done.real_return.mean, "low": done.real_return.low, "high": done.real_return.high}
        figures |= ends
    with require("torch.utils.tensorboard", "all").SummaryWriter(str(folder / "tensorboard")) as board:
        for name, value in figures.items():
            board.add_scalar(f"online/{name}", value, done.real_steps)
