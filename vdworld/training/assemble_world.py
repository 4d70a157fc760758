"""Build an untrained world that fits a dataset, and collect its start clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.space_json import space_to_json
from vdworld.space_leaves import scale_bounds
from vdworld.spaces import ActionCodec, leaves
from vdworld.world import OutcomeHeads, Sampling, StartClips, WorldModel, build, preset

NUM_STARTS = 256


def new_world(
    dataset: Dataset,
    *,
    preset_name: str = "tiny",
    network: dict[str, Any] | None = None,
    process: dict[str, Any] | None = None,
    readings: Sequence[str] = (),
    cameras: Sequence[str] | None = None,
    codec: ActionCodec | None = None,
    seed: int = 0,
) -> WorldModel:
    """Build an untrained world for a dataset.

    Args:
        dataset: Defines frame size, cameras, actions, rewards and fps.
        preset_name: Name of the preset that defines the sizes of the network.
        network: Settings of the network on top of the preset's; None values change nothing.
        process: Settings of the diffusion process likewise.
        readings: Which of ``dataset.readings`` the world predicts beside the frames.
        cameras: Cameras that the frames show. None takes all cameras of the dataset.
        codec: Codec of the actions that condition a step. None takes that of the dataset's actions.
        seed: Seed of the initial weights.

    Raises:
        ValueError: The dataset does not hold one of the readings, or its cameras have several sizes.
    """
    cameras = tuple(dataset.cameras if cameras is None else cameras)
    height, width = _common_size(dataset, cameras)
    defaults = preset(preset_name)
    codec = action_codec(dataset) if codec is None else codec
    rewards, (reading_means, reading_scales) = _rewards(dataset), _reading_statistics(dataset, readings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built_network = build(
            defaults.network_for((height, width), network),
            frame_channels=3 * len(cameras),
            image_size=(height, width),
            action_dim=codec.dim,
        )
        heads = OutcomeHeads(
            built_network.feature_dim,
            reward_offset=float(rewards.mean()) if len(rewards) else 0.0,
            reward_scale=max(float(rewards.std()), 1e-6) if len(rewards) else 1.0,
            end_rate=_end_rate(dataset),
            reading_offset=reading_means,
            reading_scale=reading_scales,
        )
    return WorldModel(
        network=built_network,
        process=build(defaults.process_for(process)),
        heads=heads,
        action_codec=codec,
        image_size=(height, width),
        cameras=cameras,
        readings={name: dataset.readings[name] for name in readings},
        fps=dataset.fps,
        has_reward=dataset.has_rewards,
        sampling=Sampling(**defaults.sampling),
        spec=dataset.spec,
    )


def action_codec(dataset: Dataset) -> ActionCodec:
    """Return the codec of the dataset's actions. Unbounded Boxes are scaled by the 1% and 99% quantiles of the data."""
    if all(np.isfinite(scale_bounds(leaf)).all() for leaf in leaves(dataset.action_space)):
        return ActionCodec(dataset.action_space)
    low, high = np.quantile(dataset.actions(), [0.01, 0.99], axis=0)
    return ActionCodec(dataset.action_space, low.tolist(), high.tolist())


def sample_starts(dataset: Dataset, world: WorldModel, seed: int) -> StartClips:
    """Draw context clips from a dataset, from which dreams in a world can begin.

    Raises:
        ValueError: The dataset lacks a camera of the world, or has other actions.
    """
    if space_to_json(dataset.action_space) != space_to_json(world.action_space):
        raise ValueError(f"`dataset` must hold actions in {world.action_space}, got {dataset.action_space}.")
    k, size = world.context_length + 1, world.image_size
    clips = ClipSampler(dataset, context_length=k, horizon=1, cameras=world.cameras, image_size=size)
    batch = clips.sample(NUM_STARTS, torch.Generator().manual_seed(seed))
    return StartClips(batch.frames[:, :k].contiguous(), batch.actions[:, : k - 1], batch.action_mask[:, : k - 1])


def _reading_statistics(dataset: Dataset, readings: Sequence[str]) -> tuple[list[float], list[float]]:
    """Return the means and standard deviations of all components of some readings."""
    if unknown := [name for name in readings if name not in dataset.readings]:
        raise ValueError(f"`readings` must be among {list(dataset.readings)}, got {unknown}.")
    states = [dataset.transitions(i).state for i in range(len(dataset))] if readings else []
    columns = [np.concatenate([state[name] for state in states]) for name in readings]
    means = [np.nanmean(column, axis=0, dtype=np.float64) for column in columns]
    scales = [np.nanstd(column, axis=0, dtype=np.float64).clip(min=1e-6) for column in columns]
    return (np.concatenate(means).tolist(), np.concatenate(scales).tolist()) if readings else ([], [])


def _end_rate(dataset: Dataset) -> float:
    """Return the share of the transitions that end an episode, with half an end more than there are."""
    num_ends = sum(int(dataset.transitions(i).terminated.sum()) for i in range(len(dataset)))
    return (num_ends + 0.5) / (dataset.num_steps + 1)


def _rewards(dataset: Dataset) -> np.ndarray:
    parts = [dataset.transitions(i).rewards for i in range(len(dataset))]
    return np.concatenate([np.zeros(0), *(part for part in parts if part is not None)])  # float64: a mean without error


def _common_size(dataset: Dataset, cameras: Sequence[str]) -> tuple[int, int]:
    """Return height and width of the cameras' frames, which a world imagines in one size.

    Cameras that the dataset lacks, such as those of goals, show frames of the others.

    Raises:
        ValueError: They differ.
    """
    sizes = {camera: size for camera, size in dataset.camera_sizes.items() if camera in cameras}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{camera} {height}x{width}" for camera, (height, width) in sizes.items())
        raise ValueError(
            f"`dataset` must show its cameras in one size, got {listed}. Record them again with image_size=[height, "
            "width], which resizes every camera, or with camera=NAME for one of them."
        )
    return next(iter(sizes.values()))
