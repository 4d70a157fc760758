"""Quantiles of a world's uncertainty on held-out clips, with which other uncertainties are compared."""

from __future__ import annotations

import numpy as np
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.training.batch import encode
from vdworld.world import WorldModel

NUM_CLIPS, MAX_HORIZON, NUM_QUANTILES = 32, 8, 101


@torch.no_grad()
def calibrate(world: WorldModel, dataset: Dataset, *, num_clips: int = NUM_CLIPS, seed: int = 0) -> None:
    """Continue held-out clips in dreams under their recorded actions, and store how uncertain the world was.

    Afterwards ``world.uncertainty_quantiles`` holds the 0%, 1%, ..., 100% quantiles over all steps. They belong to the
    current ``world.sampling``: calibrate again after changing it.

    Args:
        world: The world to measure. It is changed in place.
        dataset: Recorded experience. Its ``test`` split is used, or its ``train`` split if the former is empty.
        num_clips: Number of clips to continue, each for up to eight steps and no further than its episode.
        seed: Seed of clips and dreams.
    """
    sampler = held_out_clips(dataset, world, max_horizon=MAX_HORIZON)
    clips = encode(world, sampler.spread(num_clips, torch.Generator().manual_seed(seed)))
    k = world.context_length
    state = world.start_encoded(clips.frames[:, : k + 1], clips.actions[:, :k], clips.action_mask[:, :k], seed)
    rollout = world.rollout(state, clips.actions[:, k:], encoded=True, with_uncertainty=True)
    assert rollout.uncertainty is not None
    quantiles = np.quantile(rollout.uncertainty[clips.target_mask].cpu().numpy(), np.linspace(0, 1, NUM_QUANTILES))
    world.uncertainty_quantiles = tuple(float(f"{value:.4g}") for value in quantiles)


def held_out_clips(dataset: Dataset, world: WorldModel, *, max_horizon: int) -> ClipSampler:
    """Return a sampler of held-out clips with one more context frame than a world sees.

    Args:
        dataset: Recorded experience.
        world: The world whose cameras and readings the clips show.
        max_horizon: Most target frames of a clip; fewer if no episode is long enough.
    """
    split = held_out(dataset)
    return ClipSampler(
        split,
        context_length=world.context_length + 1,
        horizon=min(max_horizon, longest_episode(split)),
        cameras=world.cameras,
        readings=tuple(world.readings),
    )


def held_out(dataset: Dataset) -> Dataset:
    """Return the ``test`` split, or the ``train`` split if no episodes are held out."""
    return dataset.split("test") if len(dataset.split("test")) else dataset.split("train")


def longest_episode(dataset: Dataset) -> int:
    """Return the number of transitions of the longest episode; 0 without episodes."""
    return max((entry.length - 1 for entry in dataset.entries), default=0)
