"""`vdworld.train`: a dataset in, a world out."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.networks import Network
from vdworld.space_json import space_to_json
from vdworld.training.assemble_world import new_world, sample_starts
from vdworld.training.calibration import calibrate, held_out, longest_episode
from vdworld.training.checkpoint import has_checkpoint
from vdworld.training.renamed_settings import present_name
from vdworld.training.trainer import Trainer
from vdworld.training.trainer_settings import TrainerSettings
from vdworld.training.validation import Validation
from vdworld.world import Sampling, WorldModel
from vdworld.world import preset as find_preset
from vdworld.world.presets import Preset

FILM_LENGTH = 20


def train(
    dataset: Dataset,
    *,
    preset: str = "tiny",
    world: WorldModel | None = None,
    network: dict[str, Any] | None = None,
    process: dict[str, Any] | None = None,
    sampling: dict[str, Any] | None = None,
    readings: Sequence[str] = (),
    max_steps: int | None = None,
    max_minutes: float | None = None,
    output: str | Path | None = None,
    seed: int = 0,
    resume: bool = False,
    device: torch.device | str | None = None,
    **settings: Any,
) -> WorldModel:
    """Train a world on a dataset's ``train`` split, or go on training one.

    Args:
        dataset: Recorded experience; its ``test`` split is only measured on.
        preset: Sizes of a new world: ``"tiny"``.
        world: A world to go on with, on more data; it is copied. None builds a new one.
        network: Settings of a new network on top of the preset's, such as ``{"width": 64}``; a ``_target_`` picks
            another class of ``vdworld.networks``.
        process: Settings of the diffusion process likewise.
        sampling: Settings of ``vdworld.world.Sampling``, such as ``{"sampler": "heun", "num_steps": 2}``.
        readings: What a new world is to read beside the frames, names from ``dataset.readings`` such as
            ``"observation.agent_pos"``; its environments then observe them too.
        max_steps: Stop after so many optimiser steps.
        max_minutes: Stop after so many minutes of wall-clock time; the preset's time where neither is given.
        output: Folder of checkpoints and logs, which ends as the world's own self-contained folder.
        seed: Of weights, clips and noise.
        resume: Go on from the last checkpoint in `output`; starts anew where there is none.
        device: Where to train; None takes a GPU if there is one.
        settings: Further fields of ``TrainerSettings``.

    Returns:
        The world with averaged weights, its gradients off.

    Raises:
        ValueError: An argument out of range, or a `world` whose actions, frames or rewards differ from the dataset's.
    """
    sizes = find_preset(preset)
    _check_names(settings)
    train_split = dataset.split("train")
    if world is None:
        world = new_world(
            train_split, preset_name=preset, network=network, process=process, readings=readings, seed=seed
        )
    else:
        _check_same_kind(world, dataset, readings)
        world = copy.deepcopy(world)
    limits = {"max_steps": max_steps, "max_minutes": max_minutes}
    chosen = TrainerSettings(**{**limits, **preset_settings(sizes, world.network, **limits), **settings})
    set_trained_capabilities(world, chosen)
    world.sampling = Sampling(**{**asdict(world.sampling), **(sampling or {})})
    world = world.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    folder = None if output is None else Path(output)
    look: dict[str, Any] = {"cameras": world.cameras, "readings": tuple(world.readings)}
    clips = ClipSampler(train_split, context_length=world.context_length, horizon=chosen.num_targets, **look)
    trainer = Trainer(world, clips, _validation(dataset, world), chosen, output=folder, seed=seed)
    if resume and folder is not None and has_checkpoint(folder):
        trainer.resume()
    trained = trainer.fit().requires_grad_(False)
    trained.starts = sample_starts(train_split, world, seed)
    trained.training_info = training_info(world, dataset, trainer, seed)
    calibrate(trained, dataset, seed=seed)
    if folder is not None:
        trained.save_pretrained(folder)
    return trained


def preset_settings(
    sizes: Preset, network: Network, *, max_steps: int | None = None, max_minutes: float | None = None
) -> dict[str, Any]:
    """Return the fields of ``TrainerSettings`` that a preset decides where the user does not.

    Args:
        sizes: The preset.
        network: The network to train.
        max_steps: The user's limit of steps; with it, the preset sets no limit of time.
        max_minutes: The user's limit of time; likewise.
    """
    limit = {"max_minutes": sizes.max_minutes} if max_steps is None and max_minutes is None else {}
    return {"batch_size": sizes.batch_size_for(network), **limit}


def _check_names(settings: Mapping[str, Any]) -> None:
    """Check that all settings are fields of ``TrainerSettings``."""
    names = {field.name for field in dataclasses.fields(TrainerSettings)}
    for name in sorted(settings.keys() - names):
        if present := present_name(name):
            raise ValueError(f"The setting `{name}` of `train` is now called `{present}`.")
        raise ValueError(f"`train` has no setting {name}. It takes {', '.join(sorted(names))}.")


def set_trained_capabilities(world: WorldModel, settings: TrainerSettings) -> None:
    """Note in the world what it will be able to do once it is trained so.

    Raises:
        ValueError: Its process knows no shortcuts.
    """
    if settings.shortcut.share:
        if not world.process.supports_shortcut:
            raise ValueError(
                "`shortcut.share` must be 0 for a process whose paths are not straight, got "
                f"{settings.shortcut.share} with {type(world.process).__name__}. Choose process=flow."
            )
        world.shortcut_steps = settings.shortcut.finest
    hidden = {"actions": settings.corruption.action_dropout, "history": settings.corruption.history_dropout}
    world.trained_without = tuple(name for name, share in hidden.items() if share or name in world.trained_without)


def _validation(dataset: Dataset, world: WorldModel) -> Validation:
    split = held_out(dataset)
    clips = ClipSampler(
        split,
        context_length=world.context_length + 1,
        horizon=min(FILM_LENGTH, longest_episode(split)),
        cameras=world.cameras,
        readings=tuple(world.readings),
    )
    return Validation(clips)


def _check_same_kind(world: WorldModel, dataset: Dataset, readings: Sequence[str]) -> None:
    if readings and tuple(readings) != tuple(world.readings):
        raise ValueError(f"`readings` must be those of the `world`, {list(world.readings)}, got {list(readings)}.")
    if space_to_json(world.action_space) != space_to_json(dataset.action_space):
        raise ValueError(
            f"`world` takes actions in {world.action_space}, and the dataset holds {dataset.action_space}. "
            "Start a new world with `preset=`."
        )
    have, want = (tuple(world.cameras), tuple(world.image_size)), (tuple(dataset.cameras), tuple(dataset.image_size))
    if have != want:
        raise ValueError(f"`world` imagines cameras and size {have}, and the dataset holds {want}.")
    if world.has_reward and not dataset.has_rewards:
        raise ValueError(
            "`world` predicts rewards, and the dataset holds none, so that it would unlearn them. "
            "Start a new world with `preset=`."
        )


def training_info(world: WorldModel, dataset: Dataset, trainer: Trainer, seed: int) -> dict[str, Any]:
    """Return what a world says about how it was trained, plain JSON values."""
    settings = dataclasses.asdict(trainer.settings)
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "dataset": {"episodes": len(dataset.split("train")), "steps": dataset.split("train").num_steps},
        "steps": trainer.step,
        "minutes": round(trainer.seconds / 60, 2),
        "seed": seed,
        "settings": settings,
        "before": world.training_info or None,
    }
