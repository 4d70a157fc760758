"""`vdworld.train`: a dataset in, a world out."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from vdworld.argument_hints import refuse_dataset_path, refuse_world_path
from vdworld.data import ClipSampler, Dataset
from vdworld.memory_errors import out_of_memory
from vdworld.metrics import optimizer_steps, shortcomings
from vdworld.seeds import as_seed
from vdworld.space_json import space_to_json
from vdworld.storage.folder_lock import alone_in_output
from vdworld.training.assemble_world import new_world, sample_starts
from vdworld.training.calibration import calibrate, held_out_clips
from vdworld.training.checkpoint import has_checkpoint
from vdworld.training.trainer import Trainer
from vdworld.training.trainer_settings import TrainerSettings
from vdworld.training.training_log import say
from vdworld.training.validation import Validation
from vdworld.world import WorldModel
from vdworld.world import preset as find_preset
from vdworld.world.device import pick_device

ROLLOUT_LENGTH = 20
"""Frames of the animated rollouts that training logs."""


@alone_in_output
@out_of_memory("Lower `batch_size` (trainer.batch_size), `horizon` or the network's width.")
def train(
    dataset: Dataset,
    *,
    preset: str = "tiny",
    world: WorldModel | None = None,
    network: dict[str, Any] | None = None,
    process: dict[str, Any] | None = None,
    sampling: dict[str, Any] | None = None,
    readings: Sequence[str] = (),
    settings: TrainerSettings | None = None,
    max_steps: int | None = None,
    max_minutes: float | None = None,
    output: str | Path | None = None,
    seed: int = 0,
    resume: bool = False,
    device: torch.device | str | None = None,
    **fields: Any,
) -> WorldModel:
    """Train a world on a dataset's ``train`` split, or continue training one.

    Args:
        dataset: Recorded experience. The ``test`` split is only used for measurements.
        preset: Sizes of a new world: ``"tiny"``, ``"small"`` or ``"base"``.
        world: A world to continue with; a copy is trained. None builds a new one.
        network: Settings of a new network on top of the preset's, such as ``{"width": 64}``; a ``_target_`` picks
            another class of ``vdworld.networks``.
        process: Settings of the diffusion process likewise.
        sampling: Settings of ``vdworld.world.Sampling``, such as ``{"sampler": "heun", "num_steps": 2}``.
        readings: Which of ``dataset.readings`` a new world predicts beside the frames, such as
            ``"observation.agent_pos"``. Its environments then return them too.
        settings: How to train; None takes the defaults.
        max_steps: Number of optimiser steps after which training stops.
        max_minutes: Minutes of wall-clock time after which training stops. Without a limit here or in `settings`, the
            preset's time.
        output: Folder for checkpoints and logs. It ends as the world's self-contained folder.
        seed: Seed of weights, clips and noise.
        resume: Resume from the last checkpoint in `output`, if there is one. Settings that differ from the run's are
            printed, recorded in ``training_info["changes"]``, and hold from there on; another network or process is
            refused.
        device: Where to train. None takes a GPU if there is one.
        fields: Fields of ``TrainerSettings`` that replace those of `settings`.

    Returns:
        The world with averaged weights, without gradients.

    Raises:
        BlockingIOError: Another process writes into `output`.
        ValueError: An argument is out of range, or the actions, frames or rewards of `world` and `dataset` differ.
    """
    refuse_dataset_path(dataset)
    refuse_world_path(world)
    seed = as_seed(seed)
    limits: dict[str, Any] = {"max_steps": max_steps, "max_minutes": max_minutes}
    settings = (settings or TrainerSettings()).with_fields({**limits, **fields})
    defaults, training_split = find_preset(preset), dataset.split("train")
    if world is None:
        parts: dict[str, Any] = {"network": network, "process": process, "readings": readings}
        world = new_world(training_split, preset_name=preset, seed=seed, **parts)
    else:
        _check_fits(world, dataset, readings)
        world = copy.deepcopy(world)
    settings = settings.with_defaults_of(defaults, world.network)
    set_trained_capabilities(world, settings)
    world.sampling = dataclasses.replace(world.sampling, **(sampling or {}))
    world = world.to(pick_device(str(device or "auto")))
    views: dict[str, Any] = {"cameras": world.cameras, "readings": tuple(world.readings)}
    clips = ClipSampler(training_split, context_length=world.context_length, horizon=settings.num_targets, **views)
    validation = Validation(held_out_clips(dataset, world, max_horizon=ROLLOUT_LENGTH))
    folder = None if output is None else Path(output)
    trainer = Trainer(world, clips, validation, settings, output=folder, seed=seed)
    trainer.run.free |= {"data.episodes": len(training_split), "data.steps": training_split.num_steps}
    if resume and folder is not None and has_checkpoint(folder):
        trainer.resume()
    trained = trainer.fit().requires_grad_(False)
    trained.starts = sample_starts(training_split, world, seed)
    trained.training_info = training_info(world, dataset, trainer, seed)
    _warn(trainer.measures, trained)
    calibrate(trained, dataset, seed=seed)
    if folder is not None:
        trained.save_pretrained(folder)
    return trained


def set_trained_capabilities(world: WorldModel, settings: TrainerSettings) -> None:
    """Record in the world what it can do after training with these settings: shortcuts and guidance.

    Raises:
        ValueError: The process does not support shortcuts.
    """
    if settings.shortcut.share:
        if not world.process.supports_shortcut:
            raise ValueError(
                "`shortcut.share` must be 0 for a process whose paths are not straight, got "
                f"{settings.shortcut.share} with {type(world.process).__name__}. Choose process=flow."
            )
        world.shortcut_steps = settings.shortcut.finest
    dropped = {"actions": settings.corruption.action_dropout, "history": settings.corruption.history_dropout}
    world.trained_without = tuple(name for name, share in dropped.items() if share or name in world.trained_without)


def _warn(measures: Mapping[str, float], world: WorldModel) -> None:
    """Say in what a trained world fails against repeating the last frame."""
    all_pixels, moving = ((measures[name], measures[f"{name}_copy"]) for name in ("psnr", "moving_psnr"))
    if text := shortcomings({1: all_pixels}, moving, optimizer_steps(world.training_info)):
        say(f"Warning: {text}")


def _check_fits(world: WorldModel, dataset: Dataset, readings: Sequence[str]) -> None:
    if readings and tuple(readings) != tuple(world.readings):
        raise ValueError(f"`readings` must be those of the `world`, {list(world.readings)}, got {list(readings)}.")
    if space_to_json(world.action_space) != space_to_json(dataset.action_space):
        raise ValueError(
            f"`world` takes actions in {world.action_space}, and the dataset holds {dataset.action_space}. "
            "Start a new world with `preset=`."
        )
    imagined, recorded = ((tuple(part.cameras), tuple(part.image_size)) for part in (world, dataset))
    if imagined != recorded:
        raise ValueError(f"`world` imagines cameras and size {imagined}, and the dataset holds {recorded}.")
    if world.has_reward and not dataset.has_rewards:
        raise ValueError(
            "`world` predicts rewards, but the dataset holds none: training would make it forget them. "
            "Start a new world with `preset=`."
        )


def training_info(world: WorldModel, dataset: Dataset, trainer: Trainer, seed: int) -> dict[str, Any]:
    """Return how a world was trained, as plain JSON values."""
    training_split = dataset.split("train")
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "dataset": {"episodes": len(training_split), "steps": training_split.num_steps},
        "steps": trainer.step,
        "minutes": round(trainer.seconds / 60, 2),
        "seed": seed,
        "measures": {name: round(v, 2) if math.isfinite(v) else None for name, v in trainer.measures.items()},
        "settings": dataclasses.asdict(trainer.settings),
        "changes": trainer.run.changes or None,
        "before": world.training_info or None,
    }
