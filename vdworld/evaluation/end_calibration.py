"""Whether dreams end as often as recorded episodes do."""

from __future__ import annotations

import numpy as np
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.evaluation.scored_clips import recorded_actions, start_dreams
from vdworld.evaluation.world_protocol import World
from vdworld.metrics import Calibration, calibration

HORIZON = 5
"""The steps ahead that are compared."""


@torch.no_grad()
def calibrate_ends(
    world: World,
    dataset: Dataset,
    sampler: ClipSampler,
    *,
    num_clips: int,
    batch_size: int = 32,
    num_sampling_steps: int | None = None,
    seed: int = 0,
) -> Calibration | None:
    """Compare the predicted ends in the first steps of dreams with the recorded ones; None if no episode ends there.

    Starts are drawn uniformly from all steps with a full context, and dreams count until the end of their episode.
    Clips that must be whole would hold ends less often than episodes do.

    Args:
        world: The world to measure.
        dataset: Held-out episodes.
        sampler: Samples clips of the dataset.
        num_clips: Number of dreams; fewer if the dataset holds fewer steps.
        batch_size: Number of dreams per batch.
        num_sampling_steps: Network evaluations per frame; None takes the world's default.
        seed: Seeds starts and dreams.
    """
    if not any(dataset.transitions(i).terminated.any() for i in range(len(dataset))):
        return None
    episodes, steps = sampler.windows(padded=True)
    rows = torch.nonzero(steps >= world.context_length - 1)[:, 0]
    rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:num_clips]]
    probabilities, ended = [], []
    for first in range(0, len(rows), batch_size):
        batch = rows[first : first + batch_size]
        clips = sampler.at(episodes[batch], steps[batch], padded=True)
        seeds = list(range(seed + first, seed + first + len(batch)))
        mask = clips.target_mask[:, :HORIZON].numpy()
        actions = recorded_actions(world, clips, mask.shape[1])
        rollout = world.rollout(start_dreams(world, clips, seeds), actions, num_sampling_steps=num_sampling_steps)
        probabilities.append((1 - rollout.continuations.float().cpu().numpy())[mask])
        ended.append(clips.terminated[:, :HORIZON].numpy()[mask])
    happened = np.concatenate(ended)
    return calibration(np.concatenate(probabilities).clip(0, 1), happened) if happened.any() else None
