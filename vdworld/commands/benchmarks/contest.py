"""``vdworld benchmark contest``: DIAMOND's own code beside ours, trained on the same clips for the same time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from vdworld.benchmarks.contest import check_contexts, check_protocol
from vdworld.benchmarks.contest import contest as hold_contest
from vdworld.benchmarks.peers import DiamondCode, DiamondWorld, train_diamond
from vdworld.benchmarks.peers.diamond_training import WARMUP_STEPS
from vdworld.benchmarks.results import show_and_keep
from vdworld.commands.arguments import keyword_arguments, without_nulls
from vdworld.commands.user_errors import missing_keys
from vdworld.data import Dataset, load_dataset
from vdworld.training import train
from vdworld.world import WorldModel
from vdworld.world.device import pick_device

LONGER, LATER = 1.02, 0.1  # a run ends with the step and the measurement (minutes) in which its time is up


def contest(config: DictConfig) -> None:
    """Train both, one after the other, measure both, and write ``contest.json`` and the two models to `output`."""
    code = DiamondCode.load(config.peer)
    output = _output(config)
    names = ("steps", "num_clips", "batch_sizes", "repeats", "seconds")
    protocol = keyword_arguments(hold_contest, without_nulls({name: config[name] for name in names}))
    minutes = keyword_arguments(train_diamond, {"minutes": config.minutes})["minutes"]
    dataset, device = load_dataset(config.data), pick_device(config.device)
    check_protocol(dataset, **protocol)
    settings = keyword_arguments(DiamondWorld, {"compiled": config.compile_peer, "seed": config.seed})
    peer = DiamondWorld.for_dataset(code, dataset, device=device, **settings)
    ours = _our_world(config, dataset, minutes, device)
    peer.context_length = max(peer.context_length, ours.context_length)  # it is shown more, and looks at the last 4
    check_contexts(ours, peer)
    _train_peer(peer, dataset, minutes, config.seed, output / "peer.safetensors")
    names = ("vdworld", "DIAMOND")
    found = hold_contest(ours, peer, dataset, names=names, notes=_notes(peer), seed=config.seed, **protocol)
    show_and_keep(found, output, "contest")


def check_training(record: Mapping[str, Any] | None, dataset: Dataset, minutes: float, name: str) -> None:
    """Check that a model was trained on a dataset's training episodes for no longer than its opponent.

    Args:
        record: Its training record; what it was trained on before counts too.
        dataset: The contest's.
        minutes: How long the opponent trains.
        name: What to call the model in an error.

    Raises:
        ValueError: It was trained longer or on other episodes, or nobody knows.
    """
    split = dataset.split("train")
    expected, spent = {"episodes": len(split), "steps": split.num_steps}, 0.0 if record else math.inf
    while record:
        if record.get("dataset") != expected:
            raise ValueError(
                f"{name} must be trained on the {expected['episodes']} episodes and {expected['steps']} steps that "
                f"train here, got {record.get('dataset')}. Leave `ours` out to train a world."
            )
        spent += record.get("minutes", math.inf)
        record = record.get("before")
    if spent > LONGER * minutes + LATER:
        raise ValueError(
            f"{name} must be trained for at most the peer's {minutes:g} minutes, got {spent:.4g}. "
            "Raise `minutes`, or leave `ours` out to train a world."
        )


def _output(config: DictConfig) -> Path:
    """Return the folder of the contest."""
    if absent := [name for name in ("data", "output") if config[name] is None]:
        raise ValueError(missing_keys("benchmark contest", absent))
    output = Path(config.output)
    found = [name for name in ("peer.safetensors", "world", "contest.json") if (output / name).exists()]
    if found and not config.resume:
        raise FileExistsError(
            f"`output` must be a new folder, got {output} with {' and '.join(found)} in it. resume=true goes on with "
            "what is there; otherwise name another folder."
        )
    output.mkdir(parents=True, exist_ok=True)
    return output


def _our_world(config: DictConfig, dataset: Dataset, minutes: float, device: torch.device) -> WorldModel:
    """Return the world of `ours`, or train one of `preset`."""
    folder = Path(config.output) / "world" if config.ours is None else Path(config.ours)
    if config.ours is None:
        settings = keyword_arguments(train, {"seed": config.seed, "resume": config.resume})
        world = train(dataset, preset=config.preset, max_minutes=minutes, output=folder, device=device, **settings)
    else:
        world = WorldModel.from_pretrained(folder, device=device)
    if config.ours is not None or config.resume:
        check_training(world.training_info, dataset, minutes, str(folder))
    return world


def _train_peer(peer: DiamondWorld, dataset: Dataset, minutes: float, seed: int, path: Path) -> None:
    """Train the peer, or read back what an earlier run trained for the same time."""
    if not path.exists():
        train_diamond(peer, dataset, minutes=minutes, seed=seed)
        peer.save(path)
        return
    peer.load(path)
    check_training(peer.training_info, dataset, minutes, str(path))
    if (trained := peer.training_info["settings"]["max_minutes"]) != minutes:
        raise ValueError(f"`minutes` must be what {path} was trained for, {trained:g}, got {minutes:g}.")


def _notes(peer: DiamondWorld) -> str:
    steps, sampler = peer.training_info["steps"], "compiled" if peer.compiled else "uncompiled"
    notes = [f"DIAMOND is its own code at commit {peer.training_info['commit']}, as published, its sampler {sampler}."]
    if not peer.discrete:
        notes.append("It takes discrete actions: a linear layer without bias stands in the place of its embedding.")
    if steps < WARMUP_STEPS:
        notes.append(f"Its learning rate rises over {WARMUP_STEPS} steps, of which it had time for {steps}.")
    return " ".join(notes)
