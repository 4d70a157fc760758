"""Claims about where motion is expected: from the past and the place alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.training import Trainer, TrainerSettings, new_world
from vdworld.training.likely_motion import REACH, change_rates, likely_motion
from vdworld.training.validation import Validation

SIZE, RATE = 16, 0.01


def ball(*columns: int) -> torch.Tensor:
    """A clip of a ball of 2 x 2 pixels in these columns ``[1, t, 3, h, w]``."""
    frames = torch.full((1, len(columns), 3, SIZE, SIZE), -0.5)
    for t, column in enumerate(columns):
        frames[:, t, :, 7:9, column : column + 2] = 0.5
    return frames


def test_motion_is_likely_around_recent_motion() -> None:
    likely = likely_motion(ball(2, 4), 1, RATE)[0, -1]
    moved = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    moved[7 - REACH : 9 + REACH, 0 : 6 + REACH] = True
    assert torch.allclose(likely, RATE + moved.float())


def test_motion_is_forgotten_after_some_steps() -> None:
    frames = ball(2, 4, 4, 4)
    near = [likely_motion(frames, memory, RATE)[0, :, 7, 4] > 0.5 for memory in (1, 2)]
    assert near[0].tolist() == [False, True, False, False]
    assert near[1].tolist() == [False, True, True, False]


def test_the_outcome_of_a_step_changes_nothing() -> None:
    one, other = (likely_motion(ball(2, 4, 6, column), 3, RATE) for column in (8, 14))
    assert torch.equal(one[:, :3], other[:, :3])
    assert not torch.equal(one[:, 3], other[:, 3])


def test_without_a_past_every_place_has_its_rate() -> None:
    rates = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    assert torch.equal(likely_motion(ball(3), 0, rates)[0, 0], rates)


def test_rates_count_how_often_each_place_changed() -> None:
    class Clips:
        context_length = 1

        def sample(self, batch_size: int, rng: torch.Generator, place: Any = 0) -> Any:
            clip = ball(2, 8, 8, 8, 8, 8).add(1).mul(127.5).byte()  # in one of three steps, before padding
            action_mask = torch.tensor([True, True, True, False, False])
            frames = clip.expand(batch_size, -1, -1, -1, -1)
            return SimpleNamespace(frames=frames, action_mask=action_mask.expand(batch_size, -1))

    rates = change_rates(Clips())
    assert rates[7, 2].item() == pytest.approx(1 / 3, abs=1e-3)
    assert 0 < rates[0, 0].item() < 1e-3


def test_training_measures_rates_once_and_keeps_them(squares: Dataset, tmp_path: Path) -> None:
    world = new_world(squares, network={"width": 16, "depth": 1, "coarse_width": 16, "feature_dim": 16})
    clips = ClipSampler(squares, context_length=world.context_length, horizon=1)
    settings = TrainerSettings(max_steps=1, batch_size=2, horizon=1, num_rollout_gifs=0)
    trainer = Trainer(world, clips, Validation(clips, num_clips=2), settings, output=tmp_path)
    assert torch.equal(trainer.rates, change_rates(clips))
    trainer.rates = trainer.rates + 1  # as other recordings would have given
    trainer.save()
    resumed = Trainer(world, clips, Validation(clips, num_clips=2), settings, output=tmp_path)
    resumed.resume()
    assert torch.equal(resumed.rates, trainer.rates)
