"""Train both worlds of a contest on the same clips for the same time, or load those of an earlier run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vdworld.benchmarks.peers import DiamondWorld, train_diamond
from vdworld.benchmarks.peers.diamond_training import WARMUP_STEPS
from vdworld.data import Dataset
from vdworld.training import train
from vdworld.world import WorldModel

MAX_TIME_RATIO, MAX_EXTRA_MINUTES = 1.02, 0.1  # a run finishes the step and the validation in which its time is up


def check_output(folder: Path, resume: bool) -> None:
    """Create the folder of a contest.

    Raises:
        FileExistsError: The folder holds a contest, and `resume` is false.
    """
    present = [name for name in ("peer.safetensors", "world", "contest.json") if (folder / name).exists()]
    if present and not resume:
        raise FileExistsError(
            f"`output` must be a new folder, got {folder}, which holds {' and '.join(present)}. Continue with "
            "resume=true, or name another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)


def our_world(
    dataset: Dataset,
    folder: Path,
    trained: str | None,
    *,
    minutes: float,
    preset: str,
    resume: bool,
    seed: int,
    device: torch.device,
) -> WorldModel:
    """Load the world `trained`, or train one in ``folder/world``.

    Raises:
        ValueError: The world was trained on other episodes, or for longer than `minutes`.
    """
    path = folder / "world" if trained is None else Path(trained)
    if trained is None:
        settings = {"seed": seed, "resume": resume, "output": path, "device": device}
        world = train(dataset, preset=preset, max_minutes=minutes, **settings)
    else:
        world = WorldModel.from_pretrained(path, device=device)
    if trained is not None or resume:
        check_training(world.training_info, dataset, minutes, str(path))
    return world


def train_peer(peer: DiamondWorld, dataset: Dataset, path: Path, *, minutes: float, seed: int) -> None:
    """Train the peer and save it, or load the one that an earlier run trained for the same time.

    Raises:
        ValueError: It was trained on other episodes or for another time.
    """
    if not path.exists():
        train_diamond(peer, dataset, minutes=minutes, seed=seed)
        peer.save(path)
        return
    peer.load(path)
    check_training(peer.training_info, dataset, minutes, str(path))
    if (trained := peer.training_info["settings"]["max_minutes"]) != minutes:
        raise ValueError(f"`minutes` must be {trained:g}, as {path} was trained, got {minutes:g}.")


def check_training(training_info: Mapping[str, Any] | None, dataset: Dataset, minutes: float, name: str) -> None:
    """Check that a model was trained on a dataset's training episodes for no longer than its opponent.

    Args:
        training_info: How it was trained; the time of earlier trainings that it continued counts too.
        dataset: The dataset of the contest.
        minutes: Training time of the opponent.
        name: Name of the model in errors.

    Raises:
        ValueError: It was trained longer or on other episodes, or this is unknown.
    """
    split = dataset.split("train")
    expected, spent = {"episodes": len(split), "steps": split.num_steps}, 0.0 if training_info else math.inf
    while training_info:
        if training_info.get("dataset") != expected:
            raise ValueError(
                f"{name} must be trained on this dataset's {expected['episodes']} episodes and {expected['steps']} "
                f"steps, got {training_info.get('dataset')}. Leave `ours` out to train a world."
            )
        spent += training_info.get("minutes", math.inf)
        training_info = training_info.get("before")
    if spent > MAX_TIME_RATIO * minutes + MAX_EXTRA_MINUTES:
        raise ValueError(
            f"{name} must be trained for at most the peer's {minutes:g} minutes, got {spent:.4g}. "
            "Raise `minutes`, or leave `ours` out to train a world."
        )


def peer_notes(peer: DiamondWorld) -> str:
    """Return what a reader of the result must know about the peer."""
    steps, sampler = peer.training_info["steps"], "compiled" if peer.compiled else "uncompiled"
    notes = [f"DIAMOND is its own code at commit {peer.training_info['commit']}, as published, its sampler {sampler}."]
    if not peer.discrete:
        notes.append("It takes discrete actions: a linear layer without bias replaces its embedding.")
    if steps < WARMUP_STEPS:
        notes.append(f"Its learning rate rises over {WARMUP_STEPS} steps, of which it had time for {steps}.")
    return " ".join(notes)
