"""Does dreaming pay? The same learner in dreams, in dreams without a guard, and with as many real steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from vdworld.agents import ActorCritic, Policy
from vdworld.agents.policies.actor_critic import Report
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.benchmarks.speed import describe_world
from vdworld.data import Dataset
from vdworld.envs import DreamVectorEnv
from vdworld.envs.real.real_vector_env import make_real_vec
from vdworld.evaluation.controllers import RANDOM
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.real_play import resolve_env
from vdworld.evaluation.report.table import Table, cell
from vdworld.evaluation.returns import Returns, real_returns
from vdworld.metrics import Interval, bootstrap_interval, paired_difference
from vdworld.spec import EnvironmentSpec
from vdworld.world import WorldModel

DREAMS, UNGUARDED, REAL = "dreams", "dreams, unguarded", "real steps"
WAYS = (DREAMS, UNGUARDED, REAL)
"""Dreams that are truncated where the world is unsure, dreams that are not, and the real environment."""

MakeLogger = Callable[[str, Path | None], Report | None]
"""Gives what is told the figures of a run, by the run's name and folder."""


@dataclass(frozen=True)
class Dreaming:
    """What policies earn in the real environment, by how they learnt.

    Args:
        returns: Of the runs ``"<way>, seed <s>"``, random actions and doing nothing, on the same episodes.
        minutes: Learning time of each run, by the same names.
        ways: What was compared.
        seeds: Of the runs of each way.
        num_steps: That each run learnt from.
        about: World, settings, command, machine, versions and date; one line of text each.
    """

    returns: Returns
    minutes: dict[str, float]
    ways: tuple[str, ...]
    seeds: tuple[int, ...]
    num_steps: int
    about: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([self.table().text(), "", *lines])

    def values(self, way: str) -> np.ndarray:
        """Return the mean over a way's runs of each episode's return ``[b]``; of a floor, its own."""
        if way not in self.ways:
            return self.returns.plays[way].returns
        return np.mean([self.returns.plays[run_name(way, seed)].returns for seed in self.seeds], axis=0)

    def interval(self, way: str) -> Interval:
        """Return the mean return of a way or a floor, its interval over episodes."""
        return bootstrap_interval(self.values(way), seed=self.returns.seed)

    def difference(self, first: str, second: str) -> Interval:
        """Return the mean difference of two, paired by episode."""
        return paired_difference(self.values(first), self.values(second), seed=self.returns.seed)

    def table(self) -> Table:
        """Return one row per way and floor."""
        rows = []
        for name in [*self.ways, *(name for name in self.returns.plays if ", seed " not in name)]:
            runs = [run_name(name, seed) for seed in self.seeds] if name in self.ways else []
            each = ", ".join(f"{self.returns.plays[run].returns.mean():.2f}" for run in runs)
            took = f"{np.mean([self.minutes[run] for run in runs]):.1f}" if runs else ""
            gap = "" if name == RANDOM else cell(self.difference(name, RANDOM), 2, signed=True)
            rows.append((name, cell(self.interval(name), 2), gap, each, took))
        note = (
            f"{len(self.returns.seeds)} real episodes per run, the same for all; {self.num_steps:,} steps of learning "
            f"each; {len(self.seeds)} runs of each kind. Brackets: 95% bootstrap intervals over episodes, of the mean "
            "over runs; differences are paired by episode."
        )
        columns = ("learnt from", "real return", "minus random's", "each run", "minutes")
        return Table("Policies in the real environment", columns, tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        plays = {name: play.returns.tolist() for name, play in self.returns.plays.items()}
        fixed = {"ways": self.ways, "seeds": self.seeds, "num_steps": self.num_steps, "minutes": self.minutes}
        return {"benchmark": "dreaming", "about": self.about, **fixed, "returns": plays}


def measure_dreaming(
    world: WorldModel,
    dataset: Dataset,
    *,
    num_steps: int = 100_000,
    seeds: Sequence[int] = (0,),
    ways: Sequence[str] = WAYS,
    num_envs: int = 16,
    dream_steps: int = 50,
    uncertainty_limit: float = 0.99,
    num_sampling_steps: int | None = None,
    num_episodes: int = 30,
    max_steps: int = 1_000,
    seed: int = 0,
    output: Path | None = None,
    make_logger: MakeLogger = lambda name, folder: None,
    **settings: Any,
) -> Dreaming:
    """Learn in every way with every seed, then let all policies play the same real episodes.

    Args:
        world: Where dreams are dreamt; its real environment must be known.
        dataset: What it was trained on; says how to build the real environment, and gives dreams their starts.
        num_steps: Steps that every run learns from, all lanes together.
        seeds: Of the runs.
        ways: Some of ``WAYS``.
        num_envs: Lanes.
        dream_steps: Steps after which a dream is truncated.
        uncertainty_limit: Of the guarded dreams; see ``DreamEnv``.
        num_sampling_steps: Network evaluations per imagined frame; None leaves it to the world.
        num_episodes: Real episodes per run.
        max_steps: Steps after which one is cut off.
        seed: Of the real episodes.
        output: Folder for the policies; runs that are whole there are not done again. None keeps none.
        make_logger: Gives each run's report.
        settings: Fields of ``LearningSettings``.

    Raises:
        ValueError: An unknown way, a setting that doesn't fit, no known environment, or runs in `output` that were
            learnt otherwise.
    """
    if unknown := [way for way in ways if way not in WAYS] or not ways:
        raise ValueError(f"`ways` must be some of {', '.join(WAYS)}, got {unknown or ways}.")
    spec = resolve_env(None, dataset)
    assert isinstance(spec, EnvironmentSpec)
    real = partial(make_real_vec, replace(spec, image_size=world.image_size), num_envs, readings=tuple(world.readings))
    limits = {DREAMS: uncertainty_limit, UNGUARDED: None}
    wanted = {**asdict(LearningSettings(**settings)), "num_envs": num_envs, "asked_steps": num_steps}
    wanted |= {"dream_steps": dream_steps, "uncertainty_limit": uncertainty_limit}
    wanted["num_sampling_steps"] = num_sampling_steps or world.num_sampling_steps
    policies: dict[str, Policy] = {}
    minutes: dict[str, float] = {}
    for way in ways:
        for run_seed in seeds:
            name = run_name(way, run_seed)
            folder = None if output is None else output / name.replace(", ", "-").replace(" ", "-")
            if folder is not None and (folder / "config.json").exists():
                policies[name] = Policy.from_pretrained(folder, device=world.device)
                _check_record(folder, policies[name].training_info, wanted)
                minutes[name] = policies[name].training_info["minutes"]
                continue
            dreams = partial(_dreams, world, num_envs, dream_steps, limits.get(way), num_sampling_steps, dataset)
            learn = partial(ActorCritic.learn, num_steps=num_steps, seed=run_seed, action_codec=world.action_codec)
            policies[name], minutes[name] = _learnt(
                real if way == REAL else dreams,
                partial(learn, report=make_logger(name, folder), **settings),
                wanted,
                folder,
            )
    returns = real_returns(
        spec,
        policies,
        cameras=world.cameras,
        num_episodes=num_episodes,
        max_steps=max_steps,
        seed=10_000 + seed,  # not the episodes that real steps were taken in
        image_size=world.image_size,
    )
    about = {"world": describe_world(world), "settings": ", ".join(f"{name} {value}" for name, value in wanted.items())}
    about |= provenance(world.device)
    return Dreaming(returns, minutes, tuple(ways), tuple(seeds), num_steps, about)


def run_name(way: str, seed: int) -> str:
    """Return what a run is called."""
    return f"{way}, seed {seed}"


def _dreams(
    world: WorldModel, num_envs: int, steps: int, limit: float | None, num_sampling_steps: int | None, starts: Dataset
) -> VectorEnv:
    return DreamVectorEnv(
        world,
        num_envs,
        max_episode_steps=steps,
        uncertainty_limit=limit,
        num_sampling_steps=num_sampling_steps,
        starts=starts.split("train"),
        autoreset_mode=AutoresetMode.SAME_STEP,
        output="torch",
    )


def _check_record(folder: Path, record: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse a policy that was learnt otherwise than the others will be."""
    if differing := [name for name, value in wanted.items() if record.get(name) != value]:
        found = ", ".join(f"{name} {record.get(name)} instead of {wanted[name]}" for name in differing)
        raise ValueError(
            f"`output` must hold runs with the same settings, got {folder} with {found}. Name another one."
        )


def _learnt(
    build: Callable[[], VectorEnv], learn: Callable[..., Policy], wanted: dict[str, Any], folder: Path | None
) -> tuple[Policy, float]:
    """Learn one policy, keep it, and return it with the minutes it took."""
    began, envs = time.monotonic(), build()
    try:
        policy = learn(envs)
    finally:
        envs.close()
    minutes = (time.monotonic() - began) / 60
    policy.training_info |= wanted | {"minutes": round(minutes, 2)}
    if folder is not None:
        policy.save_pretrained(folder)
    return policy, minutes
