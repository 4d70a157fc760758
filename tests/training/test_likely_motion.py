"""Claims about where motion is expected: from the past and the place alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.training import Trainer, TrainerSettings, new_world
from vdworld.training.likely_motion import REACH, LikelyMotion, distances
from vdworld.training.validation import Validation

SIZE = 24
BY_DISTANCE = torch.tensor([0.5, 0.4, 0.3, 0.2, 0.1, *[0.01] * (REACH - 3)])


def ball(*columns: int) -> torch.Tensor:
    """A clip of a ball of 2 x 2 pixels in these columns ``[1, t, 3, h, w]``."""
    frames = torch.full((1, len(columns), 3, SIZE, SIZE), -0.5)
    for t, column in enumerate(columns):
        frames[:, t, :, 7:9, column : column + 2] = 0.5
    return frames


def clips_of(frames: torch.Tensor, num_padded: int = 0) -> Any:
    """A source that always gives this clip, whose last steps are padding."""
    pixels, num_steps = frames.add(1).mul(127.5).byte(), frames.shape[1] - 1
    is_step = torch.arange(num_steps) < num_steps - num_padded

    def sample(count: int, rng: torch.Generator) -> SimpleNamespace:
        return SimpleNamespace(
            frames=pixels.expand(count, -1, -1, -1, -1), action_mask=is_step.expand(count, num_steps)
        )

    return SimpleNamespace(context_length=1, sample=sample)


def test_distances_are_those_of_the_nearest_change() -> None:
    changes = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
    changes[..., 4, 5] = changes[..., 4, 10] = True
    distance = distances(changes)[0, 0]
    assert distance[4, 4:12].tolist() == [1, 0, 1, 2, 2, 1, 0, 1]
    assert distance[8, 6] == 4  # four rows and one column away
    assert distance[4 + REACH, 5] == REACH
    assert distance[4 + REACH + 1, 5] == distance[-1, -1] == REACH + 1


def test_motion_is_likely_around_the_last_step_s_motion() -> None:
    likely = LikelyMotion(torch.ones(SIZE, SIZE), BY_DISTANCE)(ball(2, 4, 4))[0]
    assert likely[1, 7, [3, 4, 6, 7]].tolist() == pytest.approx([1.0, 1.0, 0.8, 0.6])
    assert likely[[0, 2]].unique().tolist() == pytest.approx([0.02])  # no step before, no motion in it


def test_motion_is_likely_where_it_is_frequent() -> None:
    by_place = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(0)) + 0.1
    likely = LikelyMotion(by_place, BY_DISTANCE)(ball(3))[0, 0]
    torch.testing.assert_close(likely, 0.01 * (1 + by_place / by_place.mean()))


def test_the_outcome_of_a_step_changes_nothing() -> None:
    motion = LikelyMotion(torch.ones(SIZE, SIZE), BY_DISTANCE)
    one, other = (motion(ball(2, 4, 6, column)) for column in (8, 14))
    assert torch.equal(one[:, :3], other[:, :3])
    assert not torch.equal(one[:, 3], other[:, 3])


def test_changes_are_counted_by_place_and_by_distance() -> None:
    """The ball moves in the first and the last of three steps."""
    motion = LikelyMotion.measure(clips_of(ball(2, 8, 8, 14)))
    assert motion.by_place[7, [2, 8, 14, 0]].tolist() == pytest.approx([1 / 3, 2 / 3, 1 / 3, 0], abs=3e-3)
    assert motion.by_place.min() > 0
    shares = motion.by_distance
    assert shares.min() > 0
    assert shares[:-1].max() < 1e-3  # after its first move it rests, and what moves comes after a rest
    assert shares[-1].item() == pytest.approx(8 / (2 * SIZE**2 - 18 * 17), rel=1e-2)  # all but those near the first


def test_padding_is_no_rest() -> None:
    whole, padded = (LikelyMotion.measure(clips_of(ball(2, 4, 6, *rest), len(rest))) for rest in ((), (6, 6, 6)))
    assert torch.equal(whole.by_place, padded.by_place)
    assert torch.equal(whole.by_distance, padded.by_distance)


def test_two_frames_are_past_enough() -> None:
    motion, past = LikelyMotion(torch.ones(SIZE, SIZE), BY_DISTANCE), ball(2, 6, 4, 8)
    assert torch.equal(motion(past)[:, -1], motion(past[:, -2:])[:, -1])


def test_a_steady_ball_s_next_places_get_most_of_the_weight() -> None:
    motion = LikelyMotion.measure(clips_of(ball(2, 4, 6, 8)))
    likely = motion(ball(10, 12))[0, -1]
    moves = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    moves[7:9, 12:16] = True  # its eight pixels change next, of 576
    assert likely[moves].sum() / likely.sum() > 0.1 > 5 * moves.float().mean()


def test_training_measures_motion_once_and_keeps_it(squares: Dataset, tmp_path: Path) -> None:
    world = new_world(squares, network={"width": 16, "depth": 1, "coarse_width": 16, "feature_dim": 16})
    clips = ClipSampler(squares, context_length=world.context_length, horizon=1)
    settings = TrainerSettings(max_steps=1, batch_size=2, horizon=1, num_rollout_gifs=0)
    trainer = Trainer(world, clips, Validation(clips, num_clips=2), settings, output=tmp_path)
    measured = LikelyMotion.measure(clips)
    assert torch.equal(trainer.motion.by_place, measured.by_place)
    trainer.motion = LikelyMotion(measured.by_place / 2, measured.by_distance / 3)  # as other recordings would give
    trainer.save()
    resumed = Trainer(world, clips, Validation(clips, num_clips=2), settings, output=tmp_path)
    resumed.resume()
    assert torch.equal(resumed.motion.by_place, measured.by_place / 2)
    assert torch.equal(resumed.motion.by_distance, measured.by_distance / 3)
