"""The same learner in dreams, in dreams without an uncertainty limit, and in as many real steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from gymnasium.vector import AutoresetMode, VectorEnv

from vdworld.agents import ActorCritic, Policy
from vdworld.agents.policies.actor_critic import Report
from vdworld.agents.policies.learning_log import log_updates
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.benchmarks.dream_vs_real_result import DreamVsReal, run_name
from vdworld.benchmarks.measured_world import describe_world, measured_world
from vdworld.data import Dataset, load_dataset
from vdworld.envs import DreamVectorEnv
from vdworld.envs.real.real_vector_env import make_real_vec
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.real_play import resolve_env
from vdworld.evaluation.returns import real_returns
from vdworld.spec import EnvironmentSpec
from vdworld.training.training_log import TrainingLog
from vdworld.world import WorldModel

DREAMS, UNGUARDED, REAL = "dreams", "dreams, unguarded", "real steps"
WAYS = (DREAMS, UNGUARDED, REAL)
"""Dreams that are truncated where the world is uncertain, dreams that are not, and the real environment."""

MakeLogger = Callable[[str, Path | None], Report | None]
"""Returns the callback for a run's figures, given the run's name and folder."""


def run(
    *,
    world: str,
    data: str,
    output: str | None = None,
    resume: bool = False,
    num_steps: int = 100_000,
    seeds: Sequence[int] = (0,),
    ways: Sequence[str] = WAYS,
    num_envs: int = 16,
    dream_steps: int = 50,
    uncertainty_limit: float = 0.99,
    num_sampling_steps: int | None = None,
    learner_settings: Mapping[str, Any] | None = None,
    num_episodes: int = 50,
    max_steps: int = 1_000,
    trust_environment: bool = False,
    execution: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
) -> DreamVsReal:
    """Learn with progress bars and TensorBoard files, then play; see ``measure_dream_vs_real`` for the arguments.

    Args:
        world: The world's folder.
        data: The dataset's folder.
        output: A folder for the policies; None keeps none.
        resume: Whether to continue with the policies in `output`.
        num_steps, seeds, ways, num_envs, dream_steps, uncertainty_limit, num_sampling_steps, num_episodes, max_steps,
            trust_environment, seed: See ``measure_dream_vs_real``.
        learner_settings: Fields of ``LearningSettings``; None takes its defaults.
        execution: Arguments of ``vdworld.world.Execution``; None takes its defaults.
        device: A device's name; ``"auto"`` is the GPU if there is one, else the CPU.

    Raises:
        FileExistsError: There is a finished result in `output`, and `resume` is false.
    """
    folder = None if output is None else Path(output)
    if folder is not None and (folder / "dream_vs_real.json").exists() and not resume:
        raise FileExistsError(
            f"`output` must be a new folder, got {folder}, which holds a result. Continue with resume=true, or name "
            "another folder."
        )
    learning = dict(learner_settings or {})
    steps_per_update = num_envs * LearningSettings(**learning).horizon
    settings: dict[str, Any] = {"num_steps": num_steps, "seeds": seeds, "ways": ways, "num_envs": num_envs}
    settings |= {"dream_steps": dream_steps, "uncertainty_limit": uncertainty_limit, "num_episodes": num_episodes}
    settings |= {"num_sampling_steps": num_sampling_steps, "max_steps": max_steps, "seed": seed}
    settings["trust_environment"] = trust_environment
    loaded = measured_world(world, device=device, execution=execution)
    with ExitStack() as logs:

        def make_logger(name: str, run_folder: Path | None) -> Report:
            logs.close()
            print(f"\nlearn from {name}")
            return log_updates(logs.enter_context(TrainingLog(run_folder)), num_steps, steps_per_update)

        files = {"output": folder, "make_logger": make_logger}
        return measure_dream_vs_real(loaded, load_dataset(data), **files, **settings, **learning)


def measure_dream_vs_real(
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
    trust_environment: bool = False,
    seed: int = 0,
    output: Path | None = None,
    make_logger: MakeLogger = lambda name, folder: None,
    **learner: Any,
) -> DreamVsReal:
    """Learn in every way with every seed, then let all policies play the same real episodes.

    Args:
        world: The world to dream in.
        dataset: The world's training data, which also describes the real environment.
        num_steps: Number of steps that every run learns from, all lanes together.
        seeds: Seeds of the runs.
        ways: Some of ``WAYS``.
        num_envs: Number of lanes.
        dream_steps: Steps after which a dream is truncated.
        uncertainty_limit: Limit of the guarded dreams; see ``DreamEnv``.
        num_sampling_steps: Network evaluations per imagined frame; None takes the world's number.
        num_episodes: Real episodes per run.
        max_steps: Steps after which a real episode is cut off.
        trust_environment: Whether the recorded environment may import any package; see ``vdworld.envs.make_real``.
        seed: Decides the real episodes.
        output: Folder for the policies; finished runs in it are not repeated. None keeps none.
        make_logger: Returns the callback for a run's figures, given the run's name and folder.
        learner: Fields of ``LearningSettings``.

    Raises:
        ValueError: An unknown way, a setting out of range, an unknown environment, or runs in `output` with other
            settings.
    """
    if unknown := [way for way in ways if way not in WAYS] or not ways:
        raise ValueError(f"`ways` must be some of {', '.join(WAYS)}, got {unknown or list(ways)}.")
    spec = resolve_env(None, dataset, trust_environment)
    assert isinstance(spec, EnvironmentSpec)
    settings = {**asdict(LearningSettings(**learner)), "num_envs": num_envs, "requested_steps": num_steps}
    settings |= {"dream_steps": dream_steps, "uncertainty_limit": uncertainty_limit}
    settings["num_sampling_steps"] = num_sampling_steps or world.num_sampling_steps
    dreams = partial(_dreams, world, dataset, num_envs, dream_steps, num_sampling_steps)
    real_spec = replace(spec, image_size=world.image_size)
    real = partial(make_real_vec, real_spec, num_envs, readings=tuple(world.readings))
    builders = {DREAMS: partial(dreams, uncertainty_limit), UNGUARDED: partial(dreams, None), REAL: real}
    policies: dict[str, Policy] = {}
    for way, run_seed in product(ways, seeds):
        name = run_name(way, run_seed)
        folder = None if output is None else output / name.replace(", ", "-").replace(" ", "-")
        if folder is not None and (folder / "config.json").exists():
            policies[name] = _finished_run(folder, settings, world)
            continue
        learn = partial(ActorCritic.learn, num_steps=num_steps, seed=run_seed, action_codec=world.action_codec)
        learn = partial(learn, report=make_logger(name, folder), **learner)
        policies[name] = _learn(builders[way], learn, settings, folder)
    minutes = {name: policy.training_info["minutes"] for name, policy in policies.items()}
    protocol = {"cameras": world.cameras, "image_size": world.image_size}
    protocol |= {"num_episodes": num_episodes, "max_steps": max_steps}
    returns = real_returns(spec, policies, seed=10_000 + seed, **protocol)  # not the episodes of the real steps
    about = {"world": describe_world(world), "settings": _in_words(settings), **provenance(world.device)}
    return DreamVsReal(returns, minutes, tuple(ways), tuple(seeds), num_steps, about)


def _dreams(
    world: WorldModel, starts: Dataset, num_envs: int, steps: int, num_sampling_steps: int | None, limit: float | None
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


def _finished_run(folder: Path, settings: Mapping[str, Any], world: WorldModel) -> Policy:
    """Load the policy of an earlier run, which must have had the same settings."""
    policy = Policy.from_pretrained(folder, device=world.device)
    info = policy.training_info
    info = {"requested_steps": info.get("asked_steps"), **info}  # its name in earlier versions
    if differing := [name for name, value in settings.items() if info.get(name) != value]:
        differences = ", ".join(f"{name} {info.get(name)} instead of {settings[name]}" for name in differing)
        raise ValueError(
            f"`output` must hold runs with the same settings, got {folder} with {differences}. Name another folder."
        )
    return policy


def _learn(
    build: Callable[[], VectorEnv], learn: Callable[..., Policy], settings: Mapping[str, Any], folder: Path | None
) -> Policy:
    """Learn one policy, and save it with its settings and the minutes it took."""
    start, envs = time.monotonic(), build()
    try:
        policy = learn(envs)
    finally:
        envs.close()
    minutes = (time.monotonic() - start) / 60
    policy.training_info |= {**settings, "minutes": round(minutes, 2)}
    if folder is not None:
        policy.save_pretrained(folder)
    return policy


def _in_words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
