"""The online loop: act, train the world, learn in its dreams, evaluate; every part resumes from its folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import AutoresetMode

from vdworld.agents import ActorCritic, Policy
from vdworld.agents.policies.actor_critic import Report
from vdworld.agents.policies.recorded_policy import RecordedPolicy
from vdworld.argument_hints import refuse_former
from vdworld.data import Dataset, load_dataset
from vdworld.data.layout import INFO
from vdworld.envs import DreamVectorEnv
from vdworld.envs.recording.recorder import record
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.real_play import resolve_env
from vdworld.evaluation.returns import real_returns
from vdworld.extras import require
from vdworld.metrics import Interval
from vdworld.online.online_result import OnlineResult, Round
from vdworld.online.rounds import Rounds, Target
from vdworld.seeds import as_seed
from vdworld.storage.folder_lock import alone_in_output
from vdworld.training import train
from vdworld.world import WorldModel

DATA, WORLD, POLICY = "data", "world", "policy"
"""The subfolders of an online run."""


@dataclass(frozen=True)
class OnlineLoop:
    """The parts of a round; the fields are arguments of ``learn_online``."""

    env: str
    output: Path
    recording: dict[str, Any]
    training: dict[str, Any]
    dreams: dict[str, Any]
    learning: dict[str, Any]
    playing: dict[str, Any]
    epsilon: float
    device: torch.device | str
    seed: int

    def load(self) -> OnlineResult:
        """Return the result of the rounds so far.

        Raises:
            ValueError: The folder holds a run of another environment.
        """
        result = OnlineResult.load(self.output)
        previous = result.about.get("env", self.env)
        if previous != self.env:
            raise ValueError(
                f"`output` must be a run of {self.env}, got {self.output} with one of {previous}. Use another folder."
            )
        result.about = {"env": self.env, "seed": str(self.seed), **provenance(torch.device(self.device))}
        return result

    def act(self, target: Target, policy: Policy | None) -> Dataset:
        """Record until the target is reached; without a policy, actions are random."""
        path = self.output / DATA
        if (path / INFO).is_file() and (dataset := load_dataset(path)).num_steps >= target.real_steps:
            return dataset
        settings = {"num_steps": target.real_steps, "num_envs": 1, "seed": self.seed, "cut": False, **self.recording}
        acting = None if policy is None else RecordedPolicy(policy, self.epsilon)
        return record(self.env, path, policy=acting, **settings)

    def train(self, target: Target, dataset: Dataset, first: bool) -> WorldModel:
        """Train the world on all recordings."""
        path = self.output / WORLD
        world = None if first else WorldModel.from_pretrained(path, device=self.device)
        settings = {"output": path, "resume": True, "max_steps": target.world_steps, "seed": self.seed}
        return train(dataset, world=world, device=self.device, **settings, **self.training)

    def learn(self, target: Target, dataset: Dataset, world: WorldModel, report: Report | None) -> Policy:
        """Train the policy in dreams that start from the recordings."""
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

    def play(self, policy: Policy, world: WorldModel, dataset: Dataset, result: OnlineResult) -> Interval:
        """Return the policy's mean return in the real environment; baselines are measured once, into `result`."""
        settings = {"cameras": world.cameras, "image_size": world.image_size, "seed": 10_000 + self.seed}
        settings |= {"baselines": not result.baselines, **self.playing}
        returns = real_returns(resolve_env(self.env, dataset), {"policy": policy}, **settings)
        result.baselines |= {name: returns.interval(name) for name in returns.plays if name != "policy"}
        return returns.interval("policy")

    def keep(self, finished: Round, result: OnlineResult) -> None:
        """Add a finished round to `result`, and save the result and the TensorBoard curves."""
        result.rounds.append(finished)
        result.save(self.output)
        _log(self.output, finished)


@refuse_former(watch="is now called `make_logger`", tell="is now called `on_round_end`")
@alone_in_output
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
    on_round_end: Callable[[Round], None] = lambda finished: None,
) -> OnlineResult:
    """Learn a policy while acting: every round adds real steps, trains the world, and trains the policy in its dreams.

    `output` holds the dataset, the world, the policy, TensorBoard curves and ``progress.json``. The same call resumes
    an interrupted run: recording, training and learning each have a checkpoint, and targets count from the start of the
    run.

    Args:
        env: A Gymnasium id.
        output: The folder of the run.
        rounds: The number of rounds and of steps in each.
        recording: Settings of ``vdworld.record``, such as ``{"image_size": 32}``.
        training: Settings of ``vdworld.train``.
        dreams: Settings of ``DreamVectorEnv``, such as ``{"num_envs": 32, "max_episode_steps": 50}``.
        learning: Settings of ``ActorCritic.learn``.
        playing: Settings of the evaluation, such as ``num_episodes`` and ``max_steps``, and ``kwargs`` for an
            environment that differs from the one of training.
        evaluate_every: Number of rounds between evaluations; 0 evaluates the last round only.
        epsilon: Share of random actions while the policy acts in the real environment.
        device: The device of training, dreams and learning.
        seed: The seed of everything random.
        make_logger: Returns the callback for a round's learning curves, given the round's number and target.
        on_round_end: Called with every finished round.

    Raises:
        BlockingIOError: Another process writes into `output`.
        ValueError: `output` holds a run of another environment, or a setting is out of range.
    """
    folder, rounds, seed = Path(output), rounds or Rounds(), as_seed(seed)
    loop = OnlineLoop(
        env,
        folder,
        recording=recording or {},
        training=training or {},
        dreams=dreams or {},
        learning=learning or {},
        playing=playing or {},
        epsilon=epsilon,
        device=device,
        seed=seed,
    )
    result = loop.load()
    policy = Policy.from_pretrained(folder / POLICY, device=device) if result.rounds else None
    for number, target in list(enumerate(rounds, start=1))[len(result.rounds) :]:
        start = time.monotonic()
        dataset = loop.act(target, policy)
        world = loop.train(target, dataset, first=number == 1)
        policy = loop.learn(target, dataset, world, make_logger(number, target))
        evaluated = number == len(rounds) or (evaluate_every > 0 and number % evaluate_every == 0)
        real_return = loop.play(policy, world, dataset, result) if evaluated else None
        minutes = (time.monotonic() - start) / 60
        finished = Round(number, dataset.num_steps, target.world_steps, target.dream_steps, minutes, real_return)
        loop.keep(finished, result)
        on_round_end(finished)
    return result


def _log(folder: Path, finished: Round) -> None:
    """Write the figures of a round to TensorBoard, against the real steps so far."""
    figures = {"dream_steps": finished.dream_steps, "world_steps": finished.world_steps, "minutes": finished.minutes}
    if (interval := finished.real_return) is not None:
        figures |= {"real_return": interval.mean, "low": interval.low, "high": interval.high}
    with require("torch.utils.tensorboard", "all").SummaryWriter(str(folder / "tensorboard")) as writer:
        for name, value in figures.items():
            writer.add_scalar(f"online/{name}", value, finished.real_steps)
