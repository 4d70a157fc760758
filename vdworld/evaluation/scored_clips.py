"""Imagine a batch of recorded clips, and score every frame beside a copy of the last real one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vdworld.data import Clips
from vdworld.evaluation.patch_bank import PatchBank
from vdworld.evaluation.world_protocol import World
from vdworld.metrics import moving_psnr, psnr, sharpness, union_sharpness
from vdworld.spaces import frames_to_pixels, unflatten_action


@dataclass(frozen=True)
class ImaginedClips:
    """Recorded clips and their dreams: ``b`` clips, ``h`` imagined steps, arrays on the CPU.

    Args:
        scores: One number per clip and step ``[b, h]`` under each name (see ``Prediction``).
        rewards: The recorded rewards ``[b, h]``.
        predicted_rewards: The predicted rewards ``[b, h]``; None for a world without rewards.
        real: uint8 pixels ``[b, K + h, h, w, c]``, context first.
        imagined: uint8 pixels ``[b, h, h, w, c]``.
        seconds: Wall time of the rollout, divided evenly among its clips ``[b]``.
    """

    scores: dict[str, np.ndarray]
    rewards: np.ndarray
    predicted_rewards: np.ndarray | None
    real: np.ndarray
    imagined: np.ndarray
    seconds: np.ndarray

    @classmethod
    def concatenate(cls, batches: Sequence[ImaginedClips]) -> ImaginedClips:
        """Concatenate batches along the clips."""
        columns = {}
        for name in cls.__dataclass_fields__:
            parts = [getattr(batch, name) for batch in batches]
            if isinstance(parts[0], dict):
                columns[name] = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
            else:
                columns[name] = None if parts[0] is None else np.concatenate(parts)
        return cls(**columns)


@torch.no_grad()
def imagine(
    world: World,
    clips: Clips,
    *,
    seeds: Sequence[int],
    num_sampling_steps: int | None = None,
    bank: PatchBank | None = None,
    steps: Sequence[int] = (),
) -> ImaginedClips:
    """Roll a world out from the contexts of clips under the recorded actions.

    Args:
        world: The world to roll out.
        clips: Recorded clips with full contexts of the world's length.
        seeds: One seed per clip.
        num_sampling_steps: Network evaluations per frame; None takes the world's default.
        bank: Recorded patches, to which moving patches are compared; None leaves these scores out.
        steps: The steps ahead at which patches are compared.
    """
    past = world.context_length
    real = clips.frames[:, past - 1 :].float().div(127.5).sub(1.0)  # uint8 [b, 1 + h, c, h, w] -> [-1, 1]
    last, real = real[:, :1], real[:, 1:]
    state, future = start_dreams(world, clips, seeds), recorded_actions(world, clips, real.shape[1])
    start = time.perf_counter()
    rollout = world.rollout(state, future, num_sampling_steps=num_sampling_steps)
    predicted = rollout.frames.float().cpu()  # waits for the device
    seconds = time.perf_counter() - start
    return ImaginedClips(
        scores=score(predicted, real, last) | ({} if bank is None else bank.score(predicted, real, last, steps)),
        rewards=clips.rewards.numpy(),
        predicted_rewards=rollout.rewards.float().cpu().numpy() if world.has_reward else None,
        real=clips.frames.movedim(-3, -1).numpy(),
        imagined=frames_to_pixels(predicted).numpy(),
        seconds=np.full(len(predicted), seconds / len(predicted)),
    )


def start_dreams(world: World, clips: Clips, seeds: Sequence[int]) -> Any:
    """Return the state of a world after the contexts of clips, which must be full and of its length."""
    past = world.context_length
    context = clips.frames[:, :past].float().div(127.5).sub(1.0)
    native = unflatten_action(world.action_space, clips.actions[:, : past - 1])
    return world.start(context.to(world.device), native, seed=seeds)


def recorded_actions(world: World, clips: Clips, horizon: int) -> Any:
    """Return the recorded actions after the contexts of clips, `horizon` of them, as ``World.rollout`` takes them."""
    past = world.context_length
    return unflatten_action(world.action_space, clips.actions[:, past - 1 : past - 1 + horizon])


def score(predicted: Tensor, real: Tensor, last: Tensor) -> dict[str, np.ndarray]:
    """Score imagined frames ``[b, h, c, H, W]``, and copies of the last context frame ``[b, 1, c, H, W]``."""
    copied = last.expand_as(real)
    measures = {
        "psnr": psnr(predicted, real),
        "copy_psnr": psnr(copied, real),
        "moving_psnr": moving_psnr(predicted, real, last),
        "copy_moving_psnr": moving_psnr(copied, real, last),
        "sharpness": sharpness(predicted, real, last),
        "union_sharpness": union_sharpness(predicted, real, last),
    }
    return {name: values.numpy() for name, values in measures.items()}
