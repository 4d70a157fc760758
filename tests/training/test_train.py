"""Claims about training a world, from its seed to its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.training import (
    ContextCorruption,
    LossWeights,
    Trainer,
    encode,
    new_world,
    world_loss,
)
from vdworld.training.stages import plan_step
from vdworld.world import WorldModel

Record = Callable[..., Dataset]
Run = Callable[..., WorldModel]


def loss_of(world: WorldModel, dataset: Dataset) -> dict[str, float]:
    clips = ClipSampler(dataset.split("train"), context_length=world.context_length, horizon=1)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        parts = world_loss(world, encode(world, clips.sample(64, rng)), LossWeights(), ContextCorruption(), rng)
    return {name: value.item() for name, value in parts.items()}


def test_training_lowers_the_loss_of_frames_and_rewards(squares: Dataset, train_small: Run) -> None:
    settings = {"warmup_steps": 5, "ema_decay": 0.9, "horizon": 1, "weights": LossWeights(reward=0.3, continuation=0.3)}
    trained = train_small(squares, max_steps=60, batch_size=16, learning_rate=4e-3, **settings)
    fresh = new_world(squares, network=trained.network.description)
    before, after = loss_of(fresh, squares), loss_of(trained, squares)
    for part in ("loss", "frame", "reward"):  # the continuation begins at the data's rate
        assert after[part] < 0.8 * before[part], (part, before, after)


def test_every_step_trains_in_training_mode_and_the_world_comes_back_ready_for_use(
    squares: Dataset, train_small: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes, update = [], Trainer._update

    def spied(self: Trainer, plan: Any) -> dict[str, torch.Tensor]:
        modes.append(self.world.training)
        return update(self, plan)

    monkeypatch.setattr(Trainer, "_update", spied)
    assert not train_small(squares, max_steps=3, validate_every=2).training
    assert modes == [True] * 3


def test_running_out_of_time_within_a_step_begins_no_disabled_stage(
    squares: Dataset, train_small: Run, monkeypatch: pytest.MonkeyPatch, losses: dict[int, float]
) -> None:
    monkeypatch.setattr(Trainer, "progress", property(lambda self: 1.0))
    monkeypatch.setattr(
        Trainer, "_plans", lambda self: (plan_step(self.settings, 1.0, False, self.rng) for _ in range(8))
    )
    train_small(squares, horizon=1)
    assert len(losses) == 8


def test_a_trained_world_knows_its_data(squares: Dataset, train_small: Run) -> None:
    world = train_small(squares)
    assert world.action_space == squares.action_space
    assert (world.image_size, world.cameras, world.fps, world.has_reward) == ((16, 16), ("image",), 5, True)
    assert not world.training
    assert not any(p.requires_grad for p in world.parameters())
    record = world.training_info
    assert (record["steps"], record["seed"], record["before"]) == (2, 0, None)
    assert record["dataset"] == {"episodes": len(squares.split("train")), "steps": squares.split("train").num_steps}
    assert record["settings"]["batch_size"] == 4
    train_split = squares.split("train")
    rewards = np.array([train_split.transitions(i).rewards for i in range(len(train_split))], dtype=np.float64)
    assert world.heads.reward_offset == pytest.approx(rewards.mean(), rel=1e-4)
    assert world.heads.reward_scale == pytest.approx(rewards.std(), rel=1e-4)


def test_start_clips_come_from_the_training_split_alone(squares: Dataset, train_small: Run) -> None:
    world = train_small(squares)
    assert world.starts is not None
    recorded = {frame.tobytes() for episode in squares.split("train") for frame in episode.frames["image"]}
    starts = {
        frame.tobytes() for frame in world.starts.frames.movedim(-3, -1).contiguous().numpy().reshape(-1, 16, 16, 3)
    }
    assert starts <= recorded
    held_out = {frame.tobytes() for episode in squares.split("test") for frame in episode.frames["image"]}
    assert held_out - recorded  # otherwise the line above says nothing
    state = world.sample_start(4, seed=1)
    assert state.action_mask[:, -1].any()


def test_a_run_that_was_hardly_trained_says_so(
    squares: Dataset, train_small: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    train_small(squares)
    assert "Warning: The world is hardly trained" in capsys.readouterr().err


def test_the_output_folder_is_the_world(squares: Dataset, train_small: Run, tmp_path: Path) -> None:
    world = train_small(squares, output=tmp_path / "run")
    again = WorldModel.from_pretrained(tmp_path / "run")
    actions = torch.tensor([[0, 1, 2], [3, 3, 3]])
    rollouts = [w.rollout(w.sample_start(2, seed=3), actions) for w in (world, again)]
    assert torch.equal(rollouts[0].frames, rollouts[1].frames)
    assert torch.equal(rollouts[0].rewards, rollouts[1].rewards)


def test_a_seed_repeats_its_training(squares: Dataset, train_small: Run, losses: dict[int, float]) -> None:
    runs = []
    for seed in (1, 1, 2):
        train_small(squares, seed=seed)
        runs.append(dict(losses))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_training_leaves_the_global_stream_alone(squares: Dataset, train_small: Run) -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    train_small(squares)
    assert torch.equal(torch.rand(1), expected)


def test_a_saved_world_continues_training_on_more_data(
    squares: Dataset, record_squares: Record, train_small: Run, tmp_path
) -> None:
    train_small(squares, output=tmp_path)
    first = WorldModel.from_pretrained(tmp_path)
    weights = {name: value.clone() for name, value in first.state_dict().items()}
    more = record_squares(num_episodes=4)
    second = train_small(more, world=first, max_steps=3)
    assert all(torch.equal(value, weights[name]) for name, value in first.state_dict().items())  # a copy was trained
    assert not any(p.requires_grad for p in first.parameters())
    assert any(not torch.equal(value, weights[name]) for name, value in second.state_dict().items())
    assert second.training_info["steps"] == 3
    assert second.training_info["before"]["steps"] == 2
    assert second.training_info["dataset"]["episodes"] == len(more.split("train"))


def test_a_world_of_another_kind_is_refused(squares: Dataset, record_squares: Record, train_small: Run) -> None:
    world = train_small(squares)
    other = record_squares(gym.spaces.Discrete(5), num_episodes=2)
    with pytest.raises(
        ValueError, match=r"`world` takes actions in Discrete\(4\), and the dataset holds Discrete\(5\)"
    ):
        train_small(other, world=world)
    wide = record_squares(num_episodes=2, change=lambda e: {**e, "frames": np.tile(e["frames"], (1, 1, 2, 1))})
    with pytest.raises(
        ValueError, match=r"`world` imagines cameras and size .*16, 16.* and the dataset holds .*16, 32"
    ):
        train_small(wide, world=world)
    unrewarded = record_squares(num_episodes=2, change=lambda e: {**e, "rewards": None})
    with pytest.raises(ValueError, match="`world` predicts rewards, but the dataset holds none"):
        train_small(unrewarded, world=world)
