"""Claims about the yardstick of a world's uncertainty."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.conftest import NETWORK
from vdworld.data import Dataset
from vdworld.training import calibrate, calibration, train
from vdworld.training.calibration import held_out_clips, long_clips, quantiles_by_depth
from vdworld.world import WorldModel
from vdworld.world.disagreement import UncertaintyLimit


@pytest.fixture(scope="module")
def world(squares: Dataset) -> WorldModel:
    return train(squares, max_steps=2, batch_size=4, network=NETWORK, num_rollout_gifs=0, device="cpu")


def test_training_measures_the_worlds_uncertainty_on_held_out_dreams(world: WorldModel) -> None:
    quantiles = np.array(world.uncertainty_quantiles)
    assert quantiles.shape == (12, 101)  # a row per step of the longest held-out episode
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert quantiles.min() > 0


def test_quantiles_are_saved_with_the_world(world: WorldModel, tmp_path: Path) -> None:
    world.save_pretrained(tmp_path)
    assert WorldModel.from_pretrained(tmp_path).uncertainty_quantiles == world.uncertainty_quantiles


def test_the_limit_lies_between_the_quantiles_of_its_depth() -> None:
    rows = ((1.0, 2.0, 4.0), (3.0, 3.0, 5.0))
    for share, expected in ((0.5, [2.0, 3.0]), (0.75, [3.0, 4.0]), (1.0, [4.0, 5.0]), (0.25, [1.5, 3.0])):
        limit = UncertaintyLimit(rows, share)
        assert limit.at(torch.tensor([1, 2])).tolist() == pytest.approx(expected)


def test_beyond_the_depths_that_were_measured_the_limit_grows_like_the_root_of_the_depth() -> None:
    limit = UncertaintyLimit(((1.0, 2.0), (2.0, 3.0)), 1.0)
    assert limit.at(torch.tensor([2, 8, 50])).tolist() == pytest.approx([3.0, 6.0, 15.0])


def test_worlds_with_a_single_row_have_a_limit() -> None:
    """Worlds of 0.1.0 measured steps of any depth together."""
    limit = UncertaintyLimit((1.0, 2.0, 4.0), 0.5)
    assert limit.at(torch.tensor([1, 4])).tolist() == pytest.approx([2.0, 4.0])


def test_at_every_depth_a_share_of_dreams_stays_below_the_limit() -> None:
    """Uncertainty that grows with the depth at its own pace in every dream, which is unknown to the limit."""
    rng = np.random.default_rng(0)
    pace = rng.lognormal(-4, 0.5, size=(20_000, 1)) * np.linspace(1, 3, 20) ** 0.5
    uncertainty = pace * rng.lognormal(0, 0.1, size=(20_000, 20))
    uncertainty[5000:, 10:] = np.nan  # where most episodes were over
    rows, depths = quantiles_by_depth(uncertainty[::2]), torch.arange(1, 21)
    for share in (0.9, 0.99):
        above = uncertainty[1:5000:2] > UncertaintyLimit(rows, share).at(depths).numpy()
        assert above.mean() == pytest.approx(1 - share, rel=0.3)
        assert (abs(above.mean(axis=0) / (1 - share) - 1) < 0.5).all()


def test_depths_that_few_clips_reach_are_left_out() -> None:
    uncertainty = np.random.default_rng(0).random((20, 5)) + 0.1
    uncertainty[7:, 3:] = np.nan
    assert len(quantiles_by_depth(uncertainty)) == 3
    assert len(quantiles_by_depth(uncertainty[:2])) == 5  # there are not even that many clips


def test_padding_is_not_measured(
    world: WorldModel, record_squares: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dream that continues beyond its episode is measured under actions that nobody took."""
    measured: list[np.ndarray] = []
    monkeypatch.setattr(calibration, "quantiles_by_depth", lambda values: measured.append(values) or ())
    lengths = iter([5, 9, 12] * 20)

    def shorten(arrays: dict[str, Any]) -> dict[str, Any]:
        length = next(lengths)
        return arrays | {name: arrays[name][: length + (name == "frames")] for name in ("frames", "actions", "rewards")}

    calibrate(copy.deepcopy(world), record_squares(num_episodes=30, change=shorten), num_clips=12)
    num_steps = np.isfinite(measured[0]).sum(axis=1)
    assert set(num_steps) == {5, 9, 12}
    assert np.array_equal(np.isfinite(measured[0]), np.arange(12) < num_steps[:, None])


def test_clips_are_whole_where_an_episode_is_long_enough(world: WorldModel, squares: Dataset) -> None:
    for horizon, starts in ((4, 9), (20, 1)):
        sampler = held_out_clips(squares, world, max_horizon=horizon)
        clips = long_clips(sampler, squares.split("test"), 40, 0)
        assert clips.target_mask.all()
        assert set(clips.steps.tolist()) <= set(range(starts))
        assert len(clips.steps.unique()) > starts / 2


def test_the_same_seed_measures_the_same(world: WorldModel, squares: Dataset) -> None:
    calibrate(world, squares, seed=3)
    first = world.uncertainty_quantiles
    calibrate(world, squares, seed=3)
    assert world.uncertainty_quantiles == first
    calibrate(world, squares, seed=4)
    assert world.uncertainty_quantiles != first


def test_a_dataset_without_held_out_episodes_is_measured_on_itself(world: WorldModel, squares: Dataset) -> None:
    alone = squares.split("train")
    assert len(alone.split("test")) == 0
    world.uncertainty_quantiles = ()
    calibrate(world, alone)
    assert {len(quantiles) for quantiles in world.uncertainty_quantiles} == {101}
