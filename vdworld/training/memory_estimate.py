"""How much memory a training step takes, measured on one clip before training begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vdworld.free_memory import free_memory
from vdworld.networks import VideoNetwork
from vdworld.training.batch import encode
from vdworld.training.loss import world_loss
from vdworld.training.stages import StepPlan
from vdworld.world.precision import autocast

if TYPE_CHECKING:
    from vdworld.training.trainer import Trainer

_COPIES = 3  # of all weights, for the gradient and the states of the optimiser


def check_training_memory(trainer: Trainer) -> None:
    """Check that a step fits into the free memory: what the backward pass keeps of one clip, times the batch size.

    Raises:
        MemoryError: It does not; the message names the setting to lower.
    """
    world, available = trainer.world, free_memory_on(trainer.world.device)
    if available is None:
        return
    weights = _COPIES * sum(parameter.nbytes for parameter in trainer.parameters)
    per_clip = bytes_kept(lambda: _one_clip_loss(trainer))
    needed = weights + per_clip * trainer.batch_size
    if needed > available:
        fitting = max(int((available - weights) / max(per_clip, 1)), 0)
        advice = f"`batch_size` must be at most about {fitting}" if fitting else "The network must be smaller"
        raise MemoryError(
            f"{advice} for a training step to fit into the free memory of {available / 2**30:.1f} GiB on "
            f"{world.device}: {trainer.batch_size} clips need {needed / 2**30:.1f} GiB. Lower `batch_size` "
            "(trainer.batch_size), the frames' size, or the network's width."
        )


def bytes_kept(loss: Callable[[], Tensor]) -> int:
    """Return how many bytes a computation keeps for its backward pass, parameters left out."""
    storages: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, torch.nn.Parameter):
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        kept = loss()  # alive, so that no storage is used twice
    total = sum(storages.values())
    del kept
    return total


def free_memory_on(device: torch.device) -> int | None:
    """Return the free bytes of a device, memory that torch holds in reserve included; None where unknown."""
    if device.type != "cuda":
        return free_memory() if device.type == "cpu" else None
    reserve = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + reserve


def _one_clip_loss(trainer: Trainer) -> Tensor:
    """Return the loss of one clip in the costliest stage, without touching the run's random stream."""
    world, settings, rng = trainer.world, trainer.settings, torch.Generator().manual_seed(0)
    is_video = isinstance(world.network, VideoNetwork)
    plan = StepPlan(num_targets=1 if is_video else settings.horizon, whole_clips=is_video)
    places = plan.places(1, world.context_length, settings.num_targets, rng)
    clips = trainer.clips.sample(1, rng, places)
    with autocast(world.device, settings.precision):
        batch, stage = encode(world, clips), {"horizon": plan.num_targets, "whole_clips": is_video}
        common = (world, batch, settings.weights, settings.corruption, rng)
        return world_loss(*common, **stage, motion=trainer.motion)["loss"]
