from __future__ import annotations

import itertools

import pytest

from vdworld.data.episode import choose_split


def splits(count: int, test_fraction: float, seed: int = 0) -> list[str]:
    return [choose_split(index, test_fraction=test_fraction, seed=seed) for index in range(count)]


@pytest.mark.parametrize("seed", [0, 1, 7])
@pytest.mark.parametrize("test_fraction", [0.05, 0.1, 0.2, 0.33, 0.5])
def test_the_share_that_is_held_out_is_the_one_asked_for(test_fraction: float, seed: int) -> None:
    for count in (40, 200, 1000):
        assert abs(splits(count, test_fraction, seed).count("test") - count * test_fraction) <= 1.5


@pytest.mark.parametrize("seed", range(5))
def test_two_episodes_are_enough_for_one_of_each(seed: int) -> None:
    assert splits(2, 0.2, seed) == ["train", "test"]


def test_the_seed_decides_which_episodes_are_held_out() -> None:
    assert splits(100, 0.2, seed=0) == splits(100, 0.2, seed=0)
    assert splits(100, 0.2, seed=0) != splits(100, 0.2, seed=1)


def test_held_out_episodes_follow_no_period() -> None:
    held_out = [index for index, split in enumerate(splits(500, 0.2)) if split == "test"]
    gaps = {second - first for first, second in itertools.pairwise(held_out)}
    assert len(gaps) > 3


def test_nothing_is_held_out_when_nothing_is_asked_for() -> None:
    assert set(splits(50, 0.0)) == {"train"}


@pytest.mark.parametrize("test_fraction", [-0.1, 1.0])
def test_a_fraction_out_of_range_is_refused(test_fraction: float) -> None:
    with pytest.raises(ValueError, match="`test_fraction` must be at least 0 and below 1"):
        choose_split(0, test_fraction=test_fraction)
