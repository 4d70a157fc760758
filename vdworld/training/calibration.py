"""How uncertain a world is where it was not trained: the yardstick for its uncertainty elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.training.batch import encode
from vdworld.world import WorldModel

NUM_CLIPS, LONGEST, NUM_QUANTILES = 32, 8, 101


@torch.no_grad()
def calibrate(world: WorldModel, dataset: Dataset, *, num_clips: int = NUM_CLIPS, seed: int = 0) -> None:
    """Dream on from held-out clips under their recorded actions, and note in the world how uncertain it was.

    ``world.uncertainty_quantiles`` then holds the 0%, 1%, ... 100% quantiles over all steps. They belong to the world's
    present ``sampling``: measure again after changing it.

    Args:
        world: What to measure; it is changed in place.
        dataset: Recorded experience; its ``test`` split counts, or all of it where it has none.
        num_clips: How many clips to dream on from, each for up to eight steps.
        seed: Of clips and dreams.
    """
    split = held_out(dataset)
    horizon = min(LONGEST, longest_episode(split))
    look: dict[str, Any] = {"cameras": world.cameras, "readings": tuple(world.readings)}
    sampler = ClipSampler(split, context_length=world.context_length + 1, horizon=horizon, **look)
    clips = encode(world, sampler.sample(num_clips, torch.Generator().manual_seed(seed)))
    k = world.context_length
    state = world.start_encoded(clips.frames[:, : k + 1], clips.actions[:, :k], clips.action_mask[:, :k], seed)
    rollout = world.rollout(state, clips.actions[:, k:], encoded=True, with_uncertainty=True)
    assert rollout.uncertainty is not None
    quantiles = np.quantile(rollout.uncertainty.cpu().numpy(), np.linspace(0, 1, NUM_QUANTILES))
    world.uncertainty_quantiles = tuple(float(f"{value:.4g}") for value in quantiles)


def held_out(dataset: Dataset) -> Dataset:
    """Return the episodes that training only measures on; those it learns from where there are no others."""
    return dataset.split("test") if len(dataset.split("test")) else dataset.split("train")


def longest_episode(dataset: Dataset) -> int:
    """Return the number of transitions of the longest episode; 0 if there is none."""
    return max((entry.length - 1 for entry in dataset.entries), default=0)
