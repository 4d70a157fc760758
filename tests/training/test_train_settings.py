"""Claims about the settings of a training run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.training.conftest import NETWORK
from vdworld.data import ClipSampler, Dataset
from vdworld.training import (
    ContextCorruption,
    SelfForcing,
    Shortcut,
    Trainer,
    TrainerSettings,
    new_world,
    train,
)
from vdworld.training.validation import Validation
from vdworld.world import WorldModel, preset

Record = Callable[..., Dataset]
Run = Callable[..., WorldModel]


def test_video_networks_take_a_fourth_of_the_clips(squares: Dataset) -> None:
    small = {"width": 16, "depth": 2, "head_dim": 8, "context_length": 2, "patch": 4}
    given: dict[str, Any] = {"max_steps": 1, "device": "cpu", "num_rollout_gifs": 0}
    world = train(squares, network={"_target_": "vdworld.networks.Transformer", **small}, **given)
    assert world.training_info["settings"]["batch_size"] == 8
    world = train(squares, network={"width": 16, "coarse_width": 16}, **given)
    assert world.training_info["settings"]["batch_size"] == 32


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


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda value: Shortcut(share=value), [1.0, -0.01]),
        (lambda value: Shortcut(finest=value), [1, 6, 33]),
        (lambda value: SelfForcing(after=value), [-0.01, 1.01]),
        (lambda value: SelfForcing(horizon=value), [0]),
        (lambda value: TrainerSettings(learning_rate=value), [-1e-9, 1_001.0]),
        (lambda value: TrainerSettings(plateau_cuts=value), [-1]),
        (lambda value: TrainerSettings(horizon=value), [0]),
        (lambda value: ContextCorruption(action_dropout=value), [1.0, -0.01]),
        (lambda value: ContextCorruption(history_dropout=value), [1.0]),
        (lambda value: ContextCorruption(clip_mixup=value), [1.01, -0.01]),
        (lambda value: ContextCorruption(blob_noise=value), [-0.01]),
    ],
)
def test_values_just_out_of_range_are_refused(make: Callable[[Any], Any], values: list[float]) -> None:
    for value in values:
        with pytest.raises(ValueError, match=f"must .*, got {value}"):
            make(value)


def test_values_at_the_end_of_their_range_are_taken() -> None:
    Shortcut(share=0.0, finest=2)
    Shortcut(share=0.999, finest=64)
    SelfForcing(after=0.0, horizon=1)
    SelfForcing(after=1.0)
    TrainerSettings(learning_rate=0.0, muon_learning_rate=1_000.0, plateau_cuts=0, horizon=1)
    TrainerSettings(learning_rate=1_000.0, muon_learning_rate=0.0)
    ContextCorruption(action_dropout=0.0, history_dropout=0.99, clip_mixup=1.0, blob_noise=0.0)


def test_a_run_with_a_time_limit_alone_is_not_over_at_once(squares: Dataset) -> None:
    world = new_world(squares, network=NETWORK)
    clips = ClipSampler(squares, context_length=world.context_length, horizon=2)
    trainer = Trainer(world, clips, Validation(clips, num_clips=1), TrainerSettings(max_minutes=60.0, batch_size=2))
    assert trainer.progress < 1


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
