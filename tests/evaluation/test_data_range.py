"""What is outside the range of recorded frames, and when that exceeds chance."""

from __future__ import annotations

import numpy as np
import pytest

from vdworld.evaluation.data_range import DataRange, fisher_exact

HUNDRED = np.arange(101.0)  # its quantiles are its values
EPISODES = np.arange(101) % 10


def data(motion: np.ndarray = HUNDRED, episodes: np.ndarray = EPISODES, **slack: float) -> DataRange:
    """Windows of a single frame."""
    return DataRange({"brightness": HUNDRED[:, None], "motion": motion[:, None]}, episodes, slack)


def dreams(brightness: list[float], motion: list[float]) -> dict[str, np.ndarray]:
    return {"brightness": np.array(brightness), "motion": np.array(motion)}


def test_the_range_leaves_a_hundredth_out_at_either_end() -> None:
    assert data().bounds("brightness") == pytest.approx((1, 99))


def test_a_dream_is_dissolved_beyond_the_range_and_the_slack() -> None:
    values = dreams([0.5, 1.0, 50, 99, 99.5, np.nan], [50] * 6)
    assert data().dissolved(values).tolist() == [True, False, False, False, True, True]
    assert data(brightness=0.6).dissolved(values).tolist() == [False, False, False, False, False, True]


def test_much_motion_dissolves_and_little_freezes() -> None:
    values = dreams([50] * 5, [0.0, 17.9, 18.1, 20.0, 140.0])
    recordings = data(motion=HUNDRED + 19)  # so that its range is 20 to 118
    assert recordings.frozen(values).tolist() == [True, True, False, False, False]
    assert recordings.dissolved(values).tolist() == [False, False, False, False, True]


def test_where_recordings_often_stand_still_next_to_no_motion_freezes_a_dream() -> None:
    recordings = data(motion=np.where(HUNDRED < 50, 0.0, 10.0))
    assert recordings.bounds("motion") == (0, 10)
    assert recordings.frozen(dreams([50] * 4, [0, 0.04, 0.06, 5])).tolist() == [True, True, False, False]


def test_constant_recorded_motion_is_not_frozen() -> None:
    recordings = data(motion=np.full(101, 7.0))
    assert not recordings.recorded("frozen").any()
    assert not recordings.exceeds_chance("frozen", dreams([50] * 16, [7.0] * 16))
    assert recordings.exceeds_chance("frozen", dreams([50] * 16, [0.0] * 16))


def test_changes_are_counted_in_standard_deviations_or_in_the_smallest_visible_difference() -> None:
    assert data().unit("brightness") == pytest.approx(HUNDRED.std())
    assert data(brightness=40.0).unit("brightness") == 40
    still = DataRange({"brightness": np.full((5, 2), 3.0), "motion": np.zeros((5, 2))}, np.arange(5))
    assert still.unit("brightness") == 1e-6


def test_brightness_has_the_range_of_frames_and_motion_that_of_windows() -> None:
    """Every window shows brightness and motion 0 and 10, so the mean of both is always 5."""
    windows = np.tile([0.0, 10.0], (50, 1))
    recordings = DataRange({"brightness": windows, "motion": windows}, np.arange(50))
    assert recordings.bounds("brightness") == (0, 10)
    assert recordings.bounds("motion") == (5, 5)
    values = dreams([0, 10, 5, 5], [5, 5, 4, 6])
    assert recordings.dissolved(values).tolist() == [False, False, False, True]
    assert recordings.frozen(values).tolist() == [False, False, True, False]


def test_recorded_windows_are_compared_with_the_other_half_of_the_episodes() -> None:
    """Even episodes go up to 9, odd ones to 19: half of the odd ones are outside the range of the even ones."""
    values = np.concatenate([np.linspace(0, 9, 50), np.linspace(0, 19, 50)])
    episodes = np.repeat([2, 7], 50)
    failed = DataRange({"brightness": values[:, None], "motion": np.ones((100, 1))}, episodes).recorded("dissolved")
    low, high = np.quantile(values[:50], [0.01, 0.99])
    np.testing.assert_array_equal(failed[50:], (values[50:] < low) | (values[50:] > high))
    assert failed[50:].mean() == pytest.approx(0.56)
    assert failed[:50].mean() == pytest.approx(0.04), "the first two are below the other half's hundredth"


def test_a_single_episode_is_halved() -> None:
    assert data(episodes=np.zeros(101, int)).recorded("dissolved").mean() < 0.05


def test_where_nothing_ever_moves_nothing_is_frozen() -> None:
    still = data(motion=np.zeros(101))
    assert still.recorded("frozen").all()
    assert not still.exceeds_chance("frozen", dreams([50] * 16, [0] * 16))


def test_where_half_of_the_recordings_stand_still_half_of_the_dreams_may() -> None:
    often = data(motion=np.where(np.arange(101) % 4 < 2, 0.0, HUNDRED))
    assert often.recorded("frozen").mean() == pytest.approx(0.5, abs=0.02)
    assert not often.exceeds_chance("frozen", dreams([50] * 16, [0.0] * 9 + [50] * 7))
    assert often.exceeds_chance("frozen", dreams([50] * 16, [0] * 16))


def test_one_dream_of_sixteen_outside_is_chance_and_four_are_not() -> None:
    one, four = (dreams([200.0] * k + [50] * (16 - k), [50] * 16) for k in (1, 4))
    assert not data().exceeds_chance("dissolved", one)
    assert data().exceeds_chance("dissolved", four)


def test_a_small_excess_does_not_count_however_significant_it_is() -> None:
    many = dreams([200.0] * 100 + [50] * 900, [50] * 1_000)
    assert not data().exceeds_chance("dissolved", many)
    assert data().exceeds_chance("dissolved", dreams([200.0] * 200 + [50] * 800, [50] * 1_000))


@pytest.mark.parametrize(
    ("counts", "probability"),
    [((2, 2, 0, 2), 1 / 6), ((1, 2, 1, 2), 5 / 6), ((0, 5, 3, 9), 1), ((3, 3, 0, 1), 1 / 4), ((0, 4, 0, 4), 1)],
)
def test_fisher_exact_counts_the_ways_to_distribute_failures(counts: tuple[int, ...], probability: float) -> None:
    """Two failures among two dreams and two windows: in one of six ways both are dreams."""
    assert fisher_exact(*counts) == pytest.approx(probability)
