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
    ContextCorruption,
    LossWeights,
    Trainer,
    TrainerSettings,
    encode,
    new_world,
    train,
    world_loss,
)
from vdworld.training.validation import Validation
from vdworld.world import WorldModel, preset

Record = Callable[..., Dataset]
Run = Callable[..., WorldModel]


def loss_of(world: WorldModel, dataset: Dataset) -> dict[str, float]:
    clips = ClipSampler(dataset.split("train"), context_length=world.context_length, horizon=1)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        parts = world_loss(world, encode(world, clips.sample(64, rng)), LossWeights(), ContextCorruption(), rng)
    return {name: value.item() for name, value in parts.items()}


def test_training_lowers_every_part_of_the_loss(squares: Dataset, train_small: Run) -> None:
    settings = {"warmup_steps": 5, "ema_decay": 0.9, "horizon": 1, "weights": LossWeights(reward=0.3, continuation=0.3)}
    trained = train_small(squares, max_steps=60, batch_size=16, learning_rate=4e-3, **settings)
    fresh = new_world(squares, network=trained.network.description)
    before, after = loss_of(fresh, squares), loss_of(trained, squares)
    for part in ("loss", "frame", "reward", "continuation"):
        assert after[part] < 0.8 * before[part], (part, before, after)


def test_a_step_within_which_time_runs_out_begins_no_stage_that_was_never_to_come(
    squares: Dataset, train_small: Run, monkeypatch: pytest.MonkeyPatch, losses: dict[int, float]
) -> None:
    monkeypatch.setattr(Trainer, "progress", property(lambda self: 1.0))
    monkeypatch.setattr(Trainer, "_batches", lambda self: (self.clips.sample(4, self.rng) for _ in range(8)))
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


def test_video_networks_take_a_fourth_of_the_clips(squares: Dataset) -> None:
    small = {"width": 16, "depth": 2, "head_dim": 8, "context_length": 2, "patch": 4}
    given: dict[str, Any] = {"max_steps": 1, "device": "cpu", "num_rollout_gifs": 0}
    world = train(squares, network={"_target_": "vdworld.networks.Transformer", **small}, **given)
    assert world.training_info["settings"]["batch_size"] == 8
    world = train(squares, network={"width": 16, "coarse_width": 16}, **given)
    assert world.training_info["settings"]["batch_size"] == 32


def test_start_clips_come_from_the_training_split_alone(squares: Dataset, train_small: Run) -> None:
    world = train_small(squares)
    assert world.starts is not None
    seen = {frame.tobytes() for episode in squares.split("train") for frame in episode.frames["image"]}
    shown = {
        frame.tobytes() for frame in world.starts.frames.movedim(-3, -1).contiguous().numpy().reshape(-1, 16, 16, 3)
    }
    assert shown <= seen
    held_out = {frame.tobytes() for episode in squares.split("test") for frame in episode.frames["image"]}
    assert held_out - seen  # otherwise the line above says nothing
    state = world.sample_start(4, seed=1)
    assert state.action_mask[:, -1].any()


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


def test_a_saved_world_goes_on_with_more_data(
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


def test_choices_that_begin_at_1_train(record_squares: Record, train_small: Run) -> None:
    """Padding is stored as zeros, which is no action of this space."""
    space = gym.spaces.Discrete(4, start=1)
    dataset = record_squares(space, num_episodes=3, change=lambda e: {**e, "actions": e["actions"] + 1})
    world = train_small(dataset)
    assert world.action_space == space
    assert not world.sample_start(64).action_mask.all()


def test_a_unbounded_box_is_scaled_by_the_data(record_squares: Record) -> None:
    def pushes(arrays: dict[str, Any]) -> dict[str, Any]:
        return {**arrays, "actions": np.stack([arrays["actions"] * 10.0, np.ones(12)], axis=1).astype(np.float32)}

    space = gym.spaces.Box(np.array([-np.inf, -2], np.float32), np.array([np.inf, 2], np.float32))
    codec = new_world(record_squares(space, num_episodes=4, change=pushes)).action_codec
    assert codec.low.tolist() == [0, -2]
    assert codec.high.tolist() == [30, 2]


@pytest.mark.parametrize("reward", [0.0, -123.456])
def test_a_reward_that_never_changes_is_predicted(record_squares: Record, train_small: Run, reward: float) -> None:
    dataset = record_squares(num_episodes=2, change=lambda e: {**e, "rewards": np.full(12, reward)})
    world = train_small(dataset)
    _, outcome = world.step(world.sample_start(2), torch.tensor([0, 1]))
    torch.testing.assert_close(outcome.reward, torch.full((2,), reward), rtol=1e-4, atol=1e-4)


def test_settings_that_do_not_exist_or_make_no_sense_are_named(squares: Dataset, train_small: Run) -> None:
    with pytest.raises(ValueError, match=r"`train` has no setting batchsize\. It takes .*batch_size"):
        train_small(squares, batchsize=3)
    with pytest.raises(ValueError, match=r"The setting `hiding` of `train` is now called `corruption`\."):
        train_small(squares, hiding={})
    with pytest.raises(ValueError, match="`batch_size` must be positive, got 0"):
        train_small(squares, batch_size=0)
    with pytest.raises(ValueError, match=r"StackedUNet` has no argument widht"):
        train_small(squares, network={"widht": 3})
    with pytest.raises(ValueError, match="`preset` must be one of .*got 'huge'"):
        train_small(squares, preset="huge")
    with pytest.raises(ValueError, match='`precision` must be "auto", "float32" or "bfloat16", got \'half\''):
        train_small(squares, precision="half")


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


def test_settings_and_keyword_arguments_train_the_same_world(squares: Dataset, train_small: Run) -> None:
    small: dict[str, Any] = {"batch_size": 3, "learning_rate": 1e-4, "max_steps": None}
    whole = TrainerSettings(max_steps=2, batch_size=3, learning_rate=1e-4)
    by_settings = train_small(squares, settings=whole, **{**small, "batch_size": None, "learning_rate": None})
    by_name = train_small(squares, **{**small, "max_steps": 2})
    assert by_settings.training_info["settings"] == by_name.training_info["settings"]
    assert all(map(torch.equal, by_settings.state_dict().values(), by_name.state_dict().values()))


def test_keyword_arguments_replace_those_of_the_settings(squares: Dataset, train_small: Run) -> None:
    world = train_small(squares, settings=TrainerSettings(max_steps=5, horizon=3), max_steps=1)
    settings = world.training_info["settings"]
    assert (settings["max_steps"], settings["horizon"], settings["batch_size"]) == (1, 3, 4)


def test_the_preset_fills_what_settings_leave_out(squares: Dataset) -> None:
    settings = TrainerSettings(learning_rate=1e-4)
    world = new_world(squares, network=NETWORK)
    filled = settings.with_defaults_of(preset("small"), world.network)
    assert (filled.batch_size, filled.max_minutes, filled.learning_rate) == (32, 60.0, 1e-4)
    assert TrainerSettings(max_steps=3).with_defaults_of(preset("small"), world.network).max_minutes is None
    clips = ClipSampler(squares, context_length=world.context_length, horizon=2)
    with pytest.raises(ValueError, match="`settings` must hold a `batch_size` and `max_steps` or `max_minutes`"):
        Trainer(world, clips, Validation(clips, num_clips=1), settings)
