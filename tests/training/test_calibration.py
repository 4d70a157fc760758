"""Claims about the yardstick of a world's uncertainty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import NETWORK
from vdworld.data import Dataset
from vdworld.training import calibrate, train
from vdworld.world import WorldModel
from vdworld.world.disagreement import uncertainty_limit


@pytest.fixture(scope="module")
def world(squares: Dataset) -> WorldModel:
    return train(squares, max_steps=2, batch_size=4, network=NETWORK, num_rollout_gifs=0, device="cpu")


def test_training_measures_the_worlds_uncertainty_on_held_out_dreams(world: WorldModel) -> None:
    quantiles = np.array(world.uncertainty_quantiles)
    assert len(quantiles) == 101
    assert (np.diff(quantiles) >= 0).all()
    assert quantiles[0] > 0


def test_quantiles_are_saved_with_the_world(world: WorldModel, tmp_path: Path) -> None:
    world.save_pretrained(tmp_path)
    assert WorldModel.from_pretrained(tmp_path).uncertainty_quantiles == world.uncertainty_quantiles


def test_the_limit_lies_between_the_quantiles() -> None:
    for share, expected in ((0.5, 2.0), (0.75, 3.0), (1.0, 4.0), (0.25, 1.5)):
        assert uncertainty_limit((1.0, 2.0, 4.0), share) == pytest.approx(expected)


def test_that_share_of_held_out_steps_stays_below_the_limit(world: WorldModel, squares: Dataset) -> None:
    uncertainties: list[float] = []
    rollout = world.rollout

    def watched(*args: object, **kwargs: object) -> object:
        result = rollout(*args, **kwargs)  # pyright: ignore[reportArgumentType]
        assert result.uncertainty is not None
        uncertainties.extend(result.uncertainty.ravel().tolist())
        return result

    world.rollout = watched  # pyright: ignore[reportAttributeAccessIssue]
    try:
        calibrate(world, squares, num_clips=16)
    finally:
        del world.rollout
    assert len(uncertainties) == 16 * 8
    limit = uncertainty_limit(world.uncertainty_quantiles, 0.9)
    assert (np.array(uncertainties) <= limit).mean() == pytest.approx(0.9, abs=0.02)


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
    assert len(world.uncertainty_quantiles) == 101
