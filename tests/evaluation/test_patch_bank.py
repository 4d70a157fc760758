"""The patch distance: of imagined motion to recorded motion, beside that of real frames."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vdworld import evaluation
from vdworld.data import Dataset, EpisodeWriter, load_dataset
from vdworld.evaluation.patch_bank import GREY_LEVEL, PatchBank, record_patches
from vdworld.evaluation.report.tables import prediction_table

predict = partial(evaluation.predict, num_clips=12, steps=(1, 5), progress=False)

NAMES = ("patch_distance", "real_patch_distance")


def blurred(physics: Callable) -> Callable:
    return lambda frame, action: F.avg_pool2d(physics(frame, action), 5, stride=1, padding=2, count_include_pad=False)


def test_a_world_that_knows_the_physics_is_as_real_as_recordings(perfect_world, belt_data) -> None:
    prediction = predict(perfect_world, belt_data.split("test"), recorded=belt_data.split("train"))
    imagined, real = (prediction.scores[name][:, [0, 4]] for name in NAMES)
    np.testing.assert_array_equal(imagined, real)
    moves = ~np.isnan(prediction.scores["moving_psnr"][:, [0, 4]])
    np.testing.assert_array_equal(np.isnan(imagined), ~moves)
    assert imagined[moves].min() == pytest.approx(GREY_LEVEL), "an exact copy of a recorded patch"
    assert prediction.ratio(*NAMES, 5).mean == 1


def test_blur_is_further_from_recordings(make_world, perfect_world, belt_data) -> None:
    world = make_world(blurred(perfect_world.foresee))
    prediction = predict(world, belt_data.split("test"), recorded=belt_data.split("train"))
    assert prediction.ratio(*NAMES, 1).low > 2
    assert prediction.scores["patch_distance"][:, 0].min() > 0.1


def test_only_reported_steps_are_measured(perfect_world, belt_data) -> None:
    scores = predict(perfect_world, belt_data.split("test"), recorded=belt_data).scores
    for name in NAMES:
        assert scores[name].shape == scores["psnr"].shape
        assert np.isnan(scores[name][:, 1:4]).all()
        assert not np.isnan(scores[name][:, [0, 4]]).all(axis=0).any()


def test_the_scores_of_a_clip_do_not_depend_on_its_batch(make_world, perfect_world, belt_data) -> None:
    world = make_world(blurred(perfect_world.foresee))
    held_out, train = belt_data.split("test"), belt_data.split("train")
    first, second = (predict(world, held_out, recorded=train, batch_size=size) for size in (12, 5))
    for name in NAMES:
        np.testing.assert_allclose(first.scores[name], second.scores[name], rtol=1e-5)


def test_held_out_episodes_are_never_in_the_bank(perfect_world, belt_data) -> None:
    held_out = belt_data.split("test")
    whole, train = (record_patches(perfect_world, data, held_out, 0) for data in (belt_data, belt_data.split("train")))
    assert whole is not None
    assert train is not None
    assert torch.equal(whole.patches[0], train.patches[0])
    other = record_patches(perfect_world, belt_data.split("train"), held_out, 1)
    assert other is not None
    assert not torch.equal(other.patches[0], train.patches[0])


@pytest.mark.parametrize("recorded", ["test", None])
def test_without_other_recordings_the_distance_is_absent(perfect_world, belt_data, recorded: str | None) -> None:
    others = None if recorded is None else belt_data.split(recorded)
    prediction = predict(perfect_world, belt_data.split("test"), recorded=others)
    assert not set(NAMES) & set(prediction.scores)
    assert "Patch distance" not in prediction_table(prediction).text()


def test_an_evaluation_compares_with_the_training_split_if_it_has_held_out_episodes(perfect_world, belt_data) -> None:
    settings = {"num_clips": 8, "steps": (1, 5), "progress": False}
    report = evaluation.evaluate(perfect_world, belt_data, **settings)
    expected = predict(perfect_world, belt_data.split("test"), num_clips=8, recorded=belt_data.split("train"))
    for name in NAMES:
        np.testing.assert_array_equal(report.prediction.scores[name], expected.scores[name])
    assert "Patch distance (1: real)" in str(report)
    ratios = report.to_json()["prediction"]["ratios"]
    assert ratios["patch_distance / real_patch_distance"]["5"]["mean"] == 1
    trained_on = evaluation.evaluate(perfect_world, belt_data.split("train"), **settings)
    assert "Patch distance" not in str(trained_on)
    assert trained_on.to_json()["prediction"]["ratios"] == {}


@pytest.fixture(scope="module")
def still_data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return record_cameras(tmp_path_factory.mktemp("still") / "data", {"pixels": np.full((13, 16, 16, 3), 30, np.uint8)})


def record_cameras(path: Path, frames: dict[str, np.ndarray]) -> Dataset:
    """Write the same episode four times, two of them held out."""
    length = len(next(iter(frames.values()))) - 1
    with EpisodeWriter(path, fps=5, action_space=gym.spaces.Discrete(3), test_fraction=0.5) as writer:
        for _ in range(4):
            writer.add(frames, np.ones(length, np.int64), np.zeros(length, np.float32))
    return load_dataset(path)


def test_without_motion_there_is_no_distance(copying_world, make_world, still_data) -> None:
    flicker = make_world(lambda frame, _: -frame)
    for world in (copying_world, flicker):
        prediction = predict(world, still_data.split("test"), recorded=still_data.split("train"))
        assert all(np.isnan(prediction.scores[name]).all() for name in NAMES)
        rows = [row for row in prediction_table(prediction).rows if row[0].startswith("Patch distance")]
        assert rows == [("Patch distance (1: real)", "-", "-")]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16, 16)])
def test_cameras_are_compared_with_their_own_recordings_at_any_size(make_world, tmp_path, size) -> None:
    """One camera blinks between black and white, the other between dark and light grey; the world swaps them."""
    blink = (np.arange(13) % 2)[:, None, None, None] * np.ones((13, *size, 3))
    frames = {"bright": (255 * blink).astype(np.uint8), "grey": (51 + 153 * blink).astype(np.uint8)}
    data = record_cameras(tmp_path / "data", frames)
    right = make_world(lambda frame, _: -frame, cameras=("bright", "grey"), image_size=size)
    swapped = make_world(lambda frame, _: -frame.roll(3, dims=1), cameras=("bright", "grey"), image_size=size)
    imagined = {}
    for name, world in (("right", right), ("swapped", swapped)):
        scores = predict(world, data.split("test"), recorded=data.split("train"), steps=(1,)).scores
        imagined[name] = scores["patch_distance"][:, 0]
        np.testing.assert_allclose(scores["real_patch_distance"][:, 0], GREY_LEVEL)
    np.testing.assert_allclose(imagined["right"], GREY_LEVEL)
    np.testing.assert_allclose(imagined["swapped"], 0.4, atol=0.01)  # 51 of 255 levels, in each camera


def test_imagined_and_real_frames_are_compared_where_either_moves() -> None:
    """A square that should have moved left and is imagined on the right: half of the pixels are each one's own."""
    last, real, predicted = (torch.full((1, 1, 3, 32, 32), -1.0) for _ in range(3))
    real[..., 8:12, 4:8] = 1.0
    predicted[..., 8:12, 20:24] = 0.0
    black, white = torch.full((1, 147), -1.0), torch.ones(1, 147)
    scores = PatchBank((torch.cat([black, white]),), seed=0).score(predicted, real, last, [1])
    swapped = PatchBank((torch.cat([black, white]),), seed=0).score(real, predicted, last, [1])
    assert scores["patch_distance"] == swapped["real_patch_distance"] > 0
    assert scores["real_patch_distance"] == swapped["patch_distance"] > 0
    alone = PatchBank((black,), seed=0).score(last, last + 2 * (real > 0), last, [1])
    assert alone["patch_distance"] == pytest.approx(GREY_LEVEL)
    assert alone["real_patch_distance"] > GREY_LEVEL
