"""Train a video model: a world that is conditioned on goals or instructions instead of actions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete

from vdworld.agents.video.goal_clips import GoalClips, goal_cameras
from vdworld.data import Dataset
from vdworld.spaces import ActionCodec
from vdworld.training.assemble_world import NUM_STARTS, new_world
from vdworld.training.calibration import held_out, longest_episode
from vdworld.training.train import ROLLOUT_LENGTH, set_trained_capabilities, training_info
from vdworld.training.trainer import Trainer
from vdworld.training.trainer_settings import TrainerSettings
from vdworld.training.validation import Validation
from vdworld.world import StartClips, WorldModel
from vdworld.world import preset as find_preset


def train_video_model(
    dataset: Dataset,
    *,
    goal_offset: int = 16,
    instructions: Mapping[int, Any] | None = None,
    preset: str = "tiny",
    network: dict[str, Any] | None = None,
    max_steps: int | None = None,
    max_minutes: float | None = None,
    output: str | Path | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    **settings: Any,
) -> WorldModel:
    """Train a world that predicts the frames on the way to a goal, whoever acts.

    Its cameras are those of the dataset, followed by one goal camera for each; its actions carry no information
    (``Discrete(1)``) or are instructions. See ``GoalClips``.

    Args:
        dataset: Recorded experience; its ``test`` split is used for validation only.
        goal_offset: Most steps from a frame to its goal in training; 0 means no goal images.
        instructions: Maps the number of each episode in the folder to a vector ``[d]``, such as the embedding of a
            sentence; None means no instructions.
        preset: Sizes of the world, as in ``vdworld.train``.
        network: Settings that override the preset's, as in ``vdworld.train``.
        max_steps: Stop after this many optimiser steps.
        max_minutes: Stop after this many minutes of wall-clock time; the preset's time if neither limit is given.
        output: Folder of checkpoints and logs, which becomes the world's self-contained folder.
        seed: Seeds weights, clips, goals and noise.
        device: Device to train on; None takes a GPU if there is one.
        settings: Further fields of ``TrainerSettings``.

    Returns:
        The world with averaged weights, which take no gradients.

    Raises:
        ValueError: An argument is out of range; see ``GoalClips`` and ``TrainerSettings``.
    """
    defaults, conditions = find_preset(preset), {"goal_offset": goal_offset, "instructions": instructions}
    limits: dict[str, Any] = {"max_steps": max_steps, "max_minutes": max_minutes}
    world = _new_video_world(dataset, preset, network, goal_offset, instructions, seed)
    trainer_settings = TrainerSettings().with_fields({**limits, **settings}).with_defaults_of(defaults, world.network)
    set_trained_capabilities(world, trainer_settings)
    world, k = world.to(device or ("cuda" if torch.cuda.is_available() else "cpu")), world.context_length
    clips = GoalClips(dataset.split("train"), context_length=k, horizon=trainer_settings.num_targets, **conditions)
    split = held_out(dataset)
    length = min(ROLLOUT_LENGTH, longest_episode(split))
    validation = Validation(GoalClips(split, context_length=k + 1, horizon=length, **conditions))
    folder = None if output is None else Path(output)
    trainer = Trainer(world, clips, validation, trainer_settings, output=folder, seed=seed)
    trained = trainer.fit().requires_grad_(False)
    batch = clips.sample(NUM_STARTS, torch.Generator().manual_seed(seed))
    trained.starts = StartClips(batch.frames[:, : k + 1].contiguous(), batch.actions[:, :k], batch.action_mask[:, :k])
    trained.training_info = {**training_info(world, dataset, trainer, seed), "goal_offset": goal_offset}
    if folder is not None:
        trained.save_pretrained(folder)
    return trained


def _new_video_world(
    dataset: Dataset,
    preset: str,
    network: dict[str, Any] | None,
    goal_offset: int,
    instructions: Mapping[int, Any] | None,
    seed: int,
) -> WorldModel:
    cameras = dataset.cameras + (goal_cameras(dataset.cameras) if goal_offset else ())
    codec = ActionCodec(Discrete(1))
    if instructions:
        rows = np.stack([np.asarray(vector, dtype=np.float32) for vector in instructions.values()])
        low, high = rows.min(axis=0), rows.max(axis=0)
        codec = ActionCodec(Box(-np.inf, np.inf, (rows.shape[1],), np.float32), low.tolist(), high.tolist())
    split = dataset.split("train")
    return new_world(split, preset_name=preset, network=network, cameras=cameras, codec=codec, seed=seed)
