"""Two worlds on the same held-out clips and, in turn, on the same machine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from vdworld.benchmarks.contest_result import Contest, Contestant
from vdworld.benchmarks.interleaved_timing import check_turns, take_turns
from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.evaluation.prediction import predict, reachable_steps
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.world_protocol import World
from vdworld.training.calibration import longest_episode

LONGEST_ROLLOUT = 8  # steps; longer ones tell no more of the speed


def contest(
    ours: World,
    peer: World,
    dataset: Dataset,
    *,
    names: tuple[str, str] = ("ours", "peer"),
    steps: Sequence[int] | None = None,
    num_clips: int = 128,
    batch_sizes: Sequence[int] = (1, 32),
    repeats: int = 5,
    seconds: float = 1.0,
    seed: int = 0,
    notes: str = "",
    progress: bool = True,
) -> Contest:
    """Measure two worlds on the same clips and in turn.

    Args:
        ours: A world.
        peer: Another one.
        dataset: Its held-out episodes are predicted.
        names: What tables call the two.
        steps: Steps ahead to report; None takes 1, 5, 10 and 20 as far as the episodes reach.
        num_clips: Clips to predict.
        batch_sizes: Numbers of dreams at a time whose speed is measured.
        repeats: Turns of each batch size.
        seconds: Least time of a world's turn.
        seed: Of clips, dreams and intervals.
        notes: What a reader of the table must know besides.
        progress: Whether to show progress bars.

    Raises:
        ValueError: No episode is held out, the two are given contexts of different lengths, or a number out of range.
    """
    turning = {"repeats": repeats, "seconds": seconds}
    check_protocol(dataset, steps=steps, num_clips=num_clips, batch_sizes=batch_sizes, **turning)
    check_contexts(ours, peer)
    held_out = dataset.split("test")
    predictions = [
        predict(world, held_out, steps=steps, num_clips=num_clips, seed=seed, progress=progress)
        for world in (ours, peer)
    ]
    windows, horizon = predictions[0].windows, min(predictions[0].horizon, LONGEST_ROLLOUT)
    assert np.array_equal(windows, predictions[1].windows)
    size = {"image_size": ours.image_size, "cameras": ours.cameras}
    sampler = ClipSampler(held_out, context_length=ours.context_length, horizon=horizon, **size)
    turns = {
        batch: take_turns(ours, peer, _lanes(sampler, windows, batch), seed=seed, **turning) for batch in batch_sizes
    }
    first, second = (
        Contestant(name, prediction, world.training_info, world.has_reward)
        for name, prediction, world in zip(names, predictions, (ours, peer), strict=True)
    )
    described = {name: _describe(world) for name, world in zip(names, (ours, peer), strict=True)}
    data = f"{dataset.path}, {len(held_out)} held-out episodes, {held_out.num_steps:,} steps"
    about = {**described, "dataset": data, "seed": str(seed), **provenance(ours.device)}
    return Contest(first, second, turns, about, notes)


def check_protocol(
    dataset: Dataset,
    *,
    steps: Sequence[int] | None = None,
    num_clips: int = 128,
    batch_sizes: Sequence[int] = (1, 32),
    repeats: int = 5,
    seconds: float = 1.0,
) -> None:
    """Raise the errors of ``contest`` that can be known before the two are trained."""
    held_out = dataset.split("test")
    if not len(held_out):
        raise ValueError(f"`dataset` must hold episodes out, got none in {dataset}. Record more episodes.")
    reachable_steps(steps, longest_episode(held_out))
    if num_clips < 1:
        raise ValueError(f"`num_clips` must be at least 1, got {num_clips}.")
    if not batch_sizes or min(batch_sizes) < 1:
        raise ValueError(f"`batch_sizes` must hold numbers from 1, got {list(batch_sizes)}.")
    check_turns(repeats, seconds)


def check_contexts(ours: World, peer: World) -> None:
    """Raise a ValueError if the two worlds are given different frames."""
    if ours.context_length != peer.context_length:
        raise ValueError(
            f"`peer` must be given contexts of our length, {ours.context_length} frames, got {peer.context_length}. "
            "What is predicted from different frames can't be compared."
        )


def _lanes(sampler: ClipSampler, windows: np.ndarray, num_lanes: int) -> Clips:
    """Return one clip per lane, the same again where there are more lanes than clips."""
    chosen = torch.from_numpy(np.resize(windows, (num_lanes, 2)))
    return sampler.at(*chosen.T.contiguous())


def _describe(world: World) -> str:
    parts = [type(world).__name__]
    if (parameters := getattr(world, "parameters", None)) is not None:
        parts.append(f"{sum(parameter.numel() for parameter in parameters()) / 1e6:.2f} million parameters")
    if "minutes" in world.training_info:
        parts.append(f"trained {world.training_info['steps']:,} steps in {world.training_info['minutes']:g} minutes")
    return ", ".join(parts)
