"""Quantiles of a world's uncertainty on held-out clips, with which other uncertainties are compared."""

from __future__ import annotations

import numpy as np
import torch

from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.training.batch import encode
from vdworld.world import WorldModel

NUM_CLIPS, MIN_CLIPS, MAX_HORIZON, BATCH_SIZE, NUM_QUANTILES = 96, 8, 20, 32, 101
SMALLEST = 1e-9  # far below any uncertainty, so that logarithms are finite


@torch.no_grad()
def calibrate(world: WorldModel, dataset: Dataset, *, num_clips: int = NUM_CLIPS, seed: int = 0) -> None:
    """Continue held-out clips in dreams under their recorded actions, and store how uncertain the world was.

    Afterwards ``world.uncertainty_quantiles`` holds the 0%, 1%, ..., 100% quantiles after each number of steps. They
    belong to the current ``world.sampling``: calibrate again after changing it.

    Args:
        world: The world to measure. It is changed in place.
        dataset: Recorded experience. Its ``test`` split is used, or its ``train`` split if the former is empty.
        num_clips: Number of clips to continue, each for up to twenty steps and no further than its episode.
        seed: Seed of clips and dreams.
    """
    sampler = held_out_clips(dataset, world, max_horizon=MAX_HORIZON)
    clips = encode(world, long_clips(sampler, held_out(dataset), num_clips, seed))
    k, parts = world.context_length, []
    for first in range(0, len(clips), BATCH_SIZE):
        batch = clips[first : first + BATCH_SIZE]
        past = batch.frames[:, : k + 1], batch.actions[:, :k], batch.action_mask[:, :k]
        state = world.start_encoded(*past, seed + first)
        rollout = world.rollout(state, batch.actions[:, k:], encoded=True, with_uncertainty=True)
        assert rollout.uncertainty is not None
        parts.append(rollout.uncertainty.where(batch.target_mask, torch.nan).cpu().numpy())
    world.uncertainty_quantiles = quantiles_by_depth(np.concatenate(parts))


def quantiles_by_depth(uncertainty: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Return the 0%, 1%, ..., 100% quantiles of uncertainties ``[clips, steps]`` after each step.

    The mean and the standard deviation of the logarithm are those of the step. The shape of its distribution is taken
    from all steps together, since those of one step are too few for the outer quantiles.

    Args:
        uncertainty: NaN beyond the end of a clip. Steps that few clips reach are left out.
    """
    reached = np.isfinite(uncertainty).sum(axis=0) >= min(MIN_CLIPS, len(uncertainty))
    logs = np.log(uncertainty[:, reached].clip(min=SMALLEST))
    mean, std = np.nanmean(logs, axis=0), np.nanstd(logs, axis=0).clip(min=SMALLEST)
    shape = np.nanquantile((logs - mean) / std, np.linspace(0, 1, NUM_QUANTILES))
    quantiles = np.exp(mean[:, None] + std[:, None] * shape)
    return tuple(tuple(float(f"{value:.4g}") for value in row) for row in quantiles)


def long_clips(sampler: ClipSampler, dataset: Dataset, num_clips: int, seed: int) -> Clips:
    """Return clips that are spread over episodes and whole where an episode is long enough; else they begin with it."""
    drawn = sampler.spread(num_clips, torch.Generator().manual_seed(seed))
    num_transitions = {entry.index: entry.length - 1 for entry in dataset.entries}
    num_starts = [max(num_transitions[episode] - sampler.horizon, 0) + 1 for episode in drawn.episodes.tolist()]
    return sampler.at(drawn.episodes, drawn.steps % torch.tensor(num_starts), padded=True)


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
