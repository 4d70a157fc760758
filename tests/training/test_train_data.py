"""Claims about worlds trained on recordings of several kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from tests.training.conftest import NETWORK, episode
from vdworld.data import ClipSampler, Dataset, EpisodeWriter, load_dataset
from vdworld.training import (
    LossWeights,
    new_world,
    train,
)
from vdworld.world import WorldModel

Record = Callable[..., Dataset]
Run = Callable[..., WorldModel]


def test_recordings_without_rewards_train(record_squares: Record, train_small: Run, tmp_path: Path) -> None:
    dataset = record_squares(num_episodes=4, change=lambda e: {**e, "rewards": None})
    world = train_small(dataset, output=tmp_path)
    assert not world.has_reward
    assert not WorldModel.from_pretrained(tmp_path).has_reward
    _, outcome = world.step(world.sample_start(2), torch.tensor([0, 1]))
    assert outcome.reward.tolist() == [0, 0]


def test_two_cameras_train(record_squares: Record, train_small: Run) -> None:
    def two(arrays: dict[str, Any]) -> dict[str, Any]:
        return {**arrays, "frames": {"top": arrays["frames"], "wrist": 255 - arrays["frames"]}}

    world = train_small(record_squares(num_episodes=4, change=two))
    assert world.cameras == ("top", "wrist")
    _, outcome = world.step(world.sample_start(2), torch.tensor([0, 1]))
    assert outcome.frame.shape == (2, 6, 16, 16)
    state = world.sample_start(2)
    torch.testing.assert_close(state.frame[:, :3], -state.frame[:, 3:])


def test_cameras_of_several_sizes_are_refused_with_their_sizes(tmp_path: Path) -> None:
    frames = {"top": np.zeros((13, 16, 16, 3), np.uint8), "wrist": np.zeros((13, 8, 24, 3), np.uint8)}
    with EpisodeWriter(tmp_path / "data", fps=10, action_space=gym.spaces.Discrete(4)) as writer:
        writer.add(frames, np.zeros(12, np.int64), np.zeros(12))
    dataset = load_dataset(tmp_path / "data")
    assert dataset.camera_sizes == {"top": (16, 16), "wrist": (8, 24)}
    with pytest.raises(ValueError, match=r"one size, got top 16x16, wrist 8x24. Record them again with image_size="):
        train(dataset, network=NETWORK, max_steps=1, output=tmp_path / "world")
    assert not (tmp_path / "world" / "config.json").exists()


def test_choices_that_begin_at_1_train(record_squares: Record, train_small: Run) -> None:
    """Padding is stored as zeros, which is no action of this space."""
    space = gym.spaces.Discrete(4, start=1)
    dataset = record_squares(space, num_episodes=3, change=lambda e: {**e, "actions": e["actions"] + 1})
    world = train_small(dataset)
    assert world.action_space == space
    assert not world.sample_start(64).action_mask.all()


@pytest.mark.parametrize("limit", [np.inf, np.finfo(np.float32).max, 1e20])
def test_an_unbounded_box_is_scaled_by_the_data(record_squares: Record, limit: float) -> None:
    def pushes(arrays: dict[str, Any]) -> dict[str, Any]:
        return {**arrays, "actions": np.stack([arrays["actions"] * 10.0, np.ones(12)], axis=1).astype(np.float32)}

    space = gym.spaces.Box(np.array([-limit, -2], np.float32), np.array([limit, 2], np.float32))
    codec = new_world(record_squares(space, num_episodes=4, change=pushes)).action_codec
    assert codec.low.tolist() == [0, -2]
    assert codec.high.tolist() == [30, 2]


@pytest.mark.parametrize("reward", [0.0, -123.456])
def test_a_reward_that_never_changes_is_predicted(record_squares: Record, train_small: Run, reward: float) -> None:
    dataset = record_squares(num_episodes=2, change=lambda e: {**e, "rewards": np.full(12, reward)})
    world = train_small(dataset)
    _, outcome = world.step(world.sample_start(2), torch.tensor([0, 1]))
    torch.testing.assert_close(outcome.reward, torch.full((2,), reward), rtol=1e-4, atol=1e-4)


def test_a_frame_size_the_network_can_not_halve_is_named(record_squares: Record, train_small: Run) -> None:
    odd = record_squares(num_episodes=2, change=lambda e: {**e, "frames": e["frames"][:, :, :15]})
    with pytest.raises(ValueError, match=r"`image_size` must be a multiple of \d in height and width, got \(16, 15\)"):
        train_small(odd)


@pytest.mark.slow
def test_a_world_learns_to_read_where_the_square_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with EpisodeWriter(tmp_path, fps=5, action_space=gym.spaces.Discrete(4)) as writer:
        for _ in range(20):
            recorded = episode(rng)
            corners = [np.argwhere(frame[..., 0] == 250).min(axis=0) for frame in recorded["frames"]]
            writer.add(**recorded, state={"observation.place": np.array(corners, np.float32)})
    world = train(
        load_dataset(tmp_path),
        readings=["observation.place"],
        network=NETWORK,
        max_steps=150,
        batch_size=16,
        weights=LossWeights(readings=0.1),
        num_rollout_gifs=0,
        device="cpu",
    )
    held_out = load_dataset(tmp_path).split("test")
    sampler = ClipSampler(held_out, context_length=3, horizon=1, readings=["observation.place"])
    clips = sampler.sample(64, torch.Generator().manual_seed(0))
    frames = clips.frames.float().div(127.5).sub(1)
    state = world.start(frames[:, :3], clips.actions[:, :2, 0].long())
    _, outcome = world.step(state, clips.actions[:, 2, 0].long())
    error = outcome.readings["observation.place"] - clips.readings[:, 0]
    spread = clips.readings[:, 0].std(dim=0)
    assert (error.square().mean(dim=0).sqrt() < 0.5 * spread).all()
