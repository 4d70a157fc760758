"""The loss in quality of frames drawn in few sampling steps, with and without shortcut training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from vdworld.benchmarks.few_steps_result import FewSteps, FewStepsComparison
from vdworld.data import Dataset, load_dataset
from vdworld.diffusion import CONSISTENCY
from vdworld.envs import record
from vdworld.envs.games.scripted import ForkEnv
from vdworld.evaluation.evaluate import held_out_episodes
from vdworld.evaluation.outcome_odds import KnownOdds, measure_outcomes
from vdworld.evaluation.prediction import predict
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.world_protocol import World
from vdworld.training import Shortcut, train
from vdworld.world import WorldModel
from vdworld.world.device import pick_device

STEPS = (1, 2, 4, 32)
"""Sampling steps to compare; the last is the reference."""

ODDS = {"70:30": (0.7, 0.3), "40:30:20:10": (0.4, 0.3, 0.2, 0.1)}
SHIFT = 4.0  # more noise levels close to pure noise, where the outcome is decided
NUM_STEPS = 24_000  # recorded steps per random environment: too many to memorise
BATCH = 96  # clips per training step in random environments, whose frames are small
SHARE = 0.6  # of the training clips, which train long steps


def run(
    *,
    output: str,
    data: str | None = None,
    minutes: float = 15.0,
    num_draws: int = 10_000,
    num_clips: int = 128,
    seed: int = 0,
    device: str = "auto",
) -> FewStepsComparison:
    """Train worlds with and without shortcuts on two random environments and on a dataset, and measure them.

    Args:
        output: A folder for the worlds; those that an earlier run trained are not trained again.
        data: A dataset folder; None measures the random environments alone.
        minutes: Training time of each world.
        num_draws: Frames to draw of each random environment.
        num_clips: Clips of the dataset to predict.
        seed: Decides weights, training, clips, contexts and dreams.
        device: A device's name; ``"auto"`` is the GPU if there is one, else the CPU.

    Raises:
        ValueError: An argument is out of range.
    """
    for name, count in (("num_draws", num_draws), ("num_clips", num_clips)):
        if count < 1:
            raise ValueError(f"`{name}` must be at least 1, got {count}.")
    folder, where = Path(output), pick_device(device)
    dataset = None if data is None else load_dataset(data)
    training = {"minutes": minutes, "seed": seed, "device": where}
    outcomes = {}
    for name, odds in ODDS.items():
        path = folder / f"fork_{len(odds)}"
        fork = record(partial(ForkEnv, odds), path / "data", num_steps=NUM_STEPS, max_episode_steps=50, num_envs=1)
        worlds = _worlds(fork, path, batch_size=BATCH, **training)
        outcomes[name] = _measure(worlds, env=ForkEnv(odds), num_draws=num_draws, seed=seed)
    clips = []
    if dataset is not None:
        worlds = _worlds(dataset, folder / "clips", **training)
        clips = _measure(worlds, dataset=held_out_episodes(dataset)[0], num_clips=num_clips, seed=seed)
    about = provenance(where) | {"seed": str(seed), "minutes": str(minutes)}
    return FewStepsComparison(outcomes, clips, about)


def measure_few_steps(
    world: World,
    *,
    name: str,
    dataset: Dataset | None = None,
    env: KnownOdds | None = None,
    steps: Sequence[int] = STEPS,
    num_clips: int = 128,
    num_draws: int = 10_000,
    seed: int = 0,
    progress: bool = True,
) -> FewSteps:
    """Draw the same frames in different numbers of sampling steps.

    Args:
        world: The world to measure.
        name: Its label in tables.
        dataset: Held-out episodes to predict one step ahead.
        env: A random environment whose odds are known.
        steps: Numbers of sampling steps.
        num_clips: Clips to predict.
        num_draws: Frames to draw of the random environment.
        seed: Decides clips, contexts and dreams.
        progress: Whether to show progress bars.
    """
    common: dict[str, Any] = {"seed": seed, "progress": progress}
    predictions, outcomes = {}, {}
    for count in steps:
        if dataset is not None:
            predictions[count] = predict(
                world, dataset, steps=(1,), num_clips=num_clips, num_sampling_steps=count, **common
            )
        if env is not None:
            outcomes[count] = measure_outcomes(world, env, num_draws=num_draws, num_sampling_steps=count, **common)
    return FewSteps(name, predictions, outcomes)


def _measure(worlds: Iterator[tuple[str, WorldModel]], **settings: Any) -> list[FewSteps]:
    """Measure each world with each way to sample it."""
    results = []
    for label, world in worlds:
        results.append(measure_few_steps(world, name=label, **settings))
        if world.shortcut_steps:
            world.sampling = replace(world.sampling, sampler=CONSISTENCY)
            name = f"{label}, consistency sampling"
            results.append(measure_few_steps(world, name=name, steps=STEPS[:-1], **settings))
    return results


def _worlds(
    data: Dataset, path: Path, *, minutes: float, seed: int, device: torch.device, **settings: Any
) -> Iterator[tuple[str, WorldModel]]:
    """Train a world without and one with shortcuts, or load what an earlier run trained."""
    settings |= {"max_minutes": minutes, "seed": seed, "device": device, "num_rollout_gifs": 0}
    for label, share in (("without shortcuts", 0.0), ("with shortcuts", SHARE)):
        folder = path / label.replace(" ", "_")
        if not (folder / "config.json").exists():
            process = {"shift": SHIFT, "pure_noise": 0.25}
            shortcut = Shortcut(share=share)
            train(data, process=process, output=folder, resume=True, horizon=1, shortcut=shortcut, **settings)
        yield label, WorldModel.from_pretrained(folder, device=device)
