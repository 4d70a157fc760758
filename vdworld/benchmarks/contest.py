"""Two worlds, trained on the same clips for the same time, compared on held-out clips and in speed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vdworld.benchmarks.contest_result import Contest, Contestant
from vdworld.benchmarks.contest_training import check_output, our_world, peer_notes, train_peer
from vdworld.benchmarks.paired_rollouts import check_contexts, time_rollouts
from vdworld.benchmarks.peers import DiamondCode, DiamondWorld
from vdworld.benchmarks.timing import LONGEST_ROLLOUT, check_counts, check_repeats
from vdworld.data import Clips, ClipSampler, Dataset, load_dataset
from vdworld.evaluation.prediction import predict, reachable_steps
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.world_protocol import World
from vdworld.training.calibration import longest_episode
from vdworld.world.device import pick_device


def run(
    *,
    data: str,
    peer: str,
    output: str,
    minutes: float = 15.0,
    preset: str = "tiny",
    ours: str | None = None,
    compile_peer: bool = False,
    resume: bool = False,
    steps: Sequence[int] | None = None,
    num_clips: int = 128,
    batch_sizes: Sequence[int] = (1, 32),
    repeats: int = 5,
    seconds: float = 1.0,
    seed: int = 0,
    device: str = "auto",
) -> Contest:
    """Train a world and DIAMOND's own code, one after the other, and measure both.

    Args:
        data: A dataset folder.
        peer: A checkout of DIAMOND.
        output: A folder for both models.
        minutes: Training time of each.
        preset: Preset of our world.
        ours: The folder of a world that takes the place of a new one; None trains one.
        compile_peer: Whether to compile the peer's sampler.
        resume: Whether to continue with the models in `output`.
        steps, num_clips, batch_sizes, repeats, seconds: See ``measure_contest``.
        seed: Decides weights, training, clips and dreams.
        device: A device's name; ``"auto"`` is the GPU if there is one, else the CPU.

    Raises:
        FileExistsError: There are models in `output`, and `resume` is false.
        ValueError: An argument is out of range, or a model was trained on other episodes or for longer.
    """
    code, folder = DiamondCode.load(peer), Path(output)
    protocol: dict[str, Any] = {"steps": steps, "num_clips": num_clips, "batch_sizes": batch_sizes}
    protocol |= {"repeats": repeats, "seconds": seconds}
    dataset, where = load_dataset(data), pick_device(device)
    check_protocol(dataset, **protocol)
    check_output(folder, resume)
    other = DiamondWorld.for_dataset(code, dataset, device=where, compiled=compile_peer, seed=seed)
    training = {"minutes": minutes, "seed": seed}
    world = our_world(dataset, folder, ours, preset=preset, resume=resume, device=where, **training)
    other.context_length = max(other.context_length, world.context_length)  # it reads the last 4 of them
    check_contexts(world, other)
    train_peer(other, dataset, folder / "peer.safetensors", **training)
    names, notes = ("vdworld", "DIAMOND"), peer_notes(other)
    return measure_contest(world, other, dataset, names=names, notes=notes, seed=seed, **protocol)


def measure_contest(
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
    """Compare two worlds on the same clips, and their speed in turns.

    Args:
        ours: A world.
        peer: Another world.
        dataset: Its held-out episodes are predicted.
        names: Labels of the two in tables.
        steps: Steps ahead to report; None takes 1, 5, 10 and 20 as far as the episodes reach.
        num_clips: Clips to predict.
        batch_sizes: Numbers of dreams at a time whose speed is measured.
        repeats: Turns of each batch size.
        seconds: Minimum duration of a world's turn.
        seed: Decides clips, dreams and intervals.
        notes: What else a reader of the table must know.
        progress: Whether to show progress bars.

    Raises:
        ValueError: No episode is held out, the worlds have different context lengths, or a number is out of range.
    """
    timing = {"repeats": repeats, "seconds": seconds}
    check_protocol(dataset, steps=steps, num_clips=num_clips, batch_sizes=batch_sizes, **timing)
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
    rates = {
        batch: time_rollouts(ours, peer, _lanes(sampler, windows, batch), seed=seed, **timing) for batch in batch_sizes
    }
    first, second = (
        Contestant(name, prediction, world.training_info, world.has_reward)
        for name, prediction, world in zip(names, predictions, (ours, peer), strict=True)
    )
    descriptions = {name: _describe(world) for name, world in zip(names, (ours, peer), strict=True)}
    data = f"{dataset.path}, {len(held_out)} held-out episodes, {held_out.num_steps:,} steps"
    about = {**descriptions, "dataset": data, "seed": str(seed), **provenance(ours.device)}
    return Contest(first, second, rates, about, notes)


def check_protocol(
    dataset: Dataset,
    *,
    steps: Sequence[int] | None = None,
    num_clips: int = 128,
    batch_sizes: Sequence[int] = (1, 32),
    repeats: int = 5,
    seconds: float = 1.0,
) -> None:
    """Raise those errors of ``measure_contest`` that can be known before the two are trained."""
    held_out = dataset.split("test")
    if not len(held_out):
        raise ValueError(f"`dataset` must have held-out episodes, got none in {dataset}. Record more episodes.")
    reachable_steps(steps, longest_episode(held_out))
    if num_clips < 1:
        raise ValueError(f"`num_clips` must be at least 1, got {num_clips}.")
    check_counts(batch_sizes=batch_sizes)
    check_repeats(repeats, seconds)


def _lanes(sampler: ClipSampler, windows: np.ndarray, num_lanes: int) -> Clips:
    """Return one clip per lane, repeated if there are more lanes than clips."""
    repeated = torch.from_numpy(np.resize(windows, (num_lanes, 2)))
    return sampler.at(*repeated.T.contiguous())


def _describe(world: World) -> str:
    parts = [type(world).__name__]
    if (parameters := getattr(world, "parameters", None)) is not None:
        parts.append(f"{sum(parameter.numel() for parameter in parameters()) / 1e6:.2f} million parameters")
    if "minutes" in world.training_info:
        parts.append(f"trained {world.training_info['steps']:,} steps in {world.training_info['minutes']:g} minutes")
    return ", ".join(parts)
