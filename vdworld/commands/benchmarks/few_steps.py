"""``vdworld benchmark few_steps``: worlds with and without shortcut training, drawn in 1, 2, 4 and 32 steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from vdworld.benchmarks.few_steps import STEPS, FewSteps, clips_table, measure_few_steps, outcomes_table
from vdworld.commands.arguments import keyword_arguments
from vdworld.data import Dataset, load_dataset
from vdworld.diffusion import CONSISTENCY
from vdworld.envs import record
from vdworld.envs.games.scripted import ForkEnv
from vdworld.evaluation.evaluate import held_out_episodes
from vdworld.evaluation.provenance import provenance
from vdworld.training import LossWeights, Shortcut, train
from vdworld.world import WorldModel
from vdworld.world.device import pick_device

ODDS = {"70:30": (0.7, 0.3), "40:30:20:10": (0.4, 0.3, 0.2, 0.1)}
SHIFT = 4.0  # the coin falls close to pure noise, where more of the steps should lie
NUM_STEPS = 24_000  # recorded of each random environment: too many to learn their draws by heart
BATCH = 96  # clips per training step there, whose frames are small
SHARE = 0.6  # of the clips that train long steps


def few_steps(config: DictConfig) -> None:
    """Train on two random environments, and on `data` if it is given; print the tables and write few_steps.json."""
    if config.output is None:
        raise ValueError("`output` must name a folder for the worlds and the figures, got null.")
    output, device = Path(config.output), pick_device(config.device)
    keyword_arguments(train, {"max_minutes": config.minutes, "seed": config.seed})
    keyword_arguments(measure_few_steps, {"num_draws": config.num_draws, "num_clips": config.num_clips})
    common = {"minutes": config.minutes, "seed": config.seed, "device": device}
    figures: dict[str, Any] = {"about": provenance(device) | {"seed": str(config.seed), "minutes": str(config.minutes)}}
    for name, odds in ODDS.items():
        env = ForkEnv(odds)
        path = output / f"fork_{len(odds)}"
        data = record(partial(ForkEnv, odds), path / "data", num_steps=NUM_STEPS, max_episode_steps=50, num_envs=1)
        worlds = _worlds(data, path, batch_size=BATCH, weights=LossWeights(moving=0.0), **common)
        draws = {"env": env, "seed": config.seed, "num_draws": config.num_draws}
        found = [
            measure_few_steps(world, name=label, steps=steps, **draws)
            for trained in worlds
            for label, world, steps in _ways(*trained)
        ]
        figures[name] = _show(found, f"A random environment with the odds {name}")
    if config.data is not None:
        data = load_dataset(config.data)
        held_out, _ = held_out_episodes(data)
        clips = {"dataset": held_out, "seed": config.seed, "num_clips": config.num_clips}
        found = [
            measure_few_steps(world, name=label, steps=steps, **clips)
            for trained in _worlds(data, output / "clips", **common)
            for label, world, steps in _ways(*trained)
        ]
        figures["clips"] = _show(found, "")
    (output / "few_steps.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(f"\nFigures: {output / 'few_steps.json'}")


def _ways(label: str, world: WorldModel) -> Iterator[tuple[str, WorldModel, tuple[int, ...]]]:
    """Yield a world with each way to draw it, and the steps to compare."""
    yield label, world, STEPS
    if world.shortcut_steps:
        world.sampling = replace(world.sampling, sampler=CONSISTENCY)
        yield f"{label}, consistency sampling", world, STEPS[:-1]


def _show(found: Sequence[FewSteps], title: str) -> list[dict[str, Any]]:
    print(f"\n{(outcomes_table(found, title) if title else clips_table(found)).text()}")
    return [world.to_json() for world in found]


def _worlds(
    data: Dataset, path: Path, *, minutes: float, seed: int, device: Any, **settings: Any
) -> Iterator[tuple[str, WorldModel]]:
    """Train a world without and one with shortcuts, or read back what an earlier run trained."""
    settings |= {"max_minutes": minutes, "seed": seed, "device": device, "num_rollout_gifs": 0}
    for label, share in (("without shortcuts", 0.0), ("with shortcuts", SHARE)):
        folder = path / label.replace(" ", "_")
        if not (folder / "config.json").exists():
            process = {"shift": SHIFT, "pure_noise": 0.25}
            shortcut = Shortcut(share=share)
            train(data, process=process, output=folder, resume=True, horizon=1, shortcut=shortcut, **settings)
        yield label, WorldModel.from_pretrained(folder, device=device)
