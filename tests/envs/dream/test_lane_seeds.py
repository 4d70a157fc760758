"""Claims about the seeds with which episodes begin."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.utils import seeding

from vdworld.envs.dream.lane_seeds import LaneSeeds, draw_seed

ALL = np.ones(3, dtype=np.bool_)


def lanes(*chosen: int) -> np.ndarray:
    return np.isin(np.arange(3), chosen)


def test_an_int_gives_each_lane_the_next_seed() -> None:
    assert LaneSeeds(3).next_episode(ALL, 7) == [7, 8, 9]
    assert LaneSeeds(3).next_episode(lanes(0, 2), np.int64(7)) == [7, 9]


def test_a_list_gives_each_lane_its_own_seed() -> None:
    assert LaneSeeds(3).next_episode(ALL, [5, 1, 5]) == [5, 1, 5]
    assert LaneSeeds(3).next_episode(lanes(1), np.array([5, 1, 5])) == [1]


def test_a_list_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="`seed` must hold one seed per lane, 3, got 2"):
        LaneSeeds(3).next_episode(ALL, [1, 2])


def test_later_seeds_are_those_of_one_environment_with_the_same_seed() -> None:
    seeds = LaneSeeds(3)
    seeds.next_episode(ALL, 7)
    alone = seeding.np_random(8)[0]
    assert [seeds.next_episode(lanes(1))[0] for _ in range(3)] == [draw_seed(alone) for _ in range(3)]


def test_a_lane_gets_the_same_seeds_however_often_the_others_end() -> None:
    busy, calm = LaneSeeds(3), LaneSeeds(3)
    busy.next_episode(ALL, 7)
    calm.next_episode(ALL, 7)
    for _ in range(5):
        busy.next_episode(lanes(0, 2))
    assert busy.next_episode(lanes(1)) == calm.next_episode(lanes(1))


def test_a_second_seed_begins_the_lane_s_stream_anew() -> None:
    seeds, expected = LaneSeeds(3), LaneSeeds(3)
    seeds.next_episode(ALL, 7)
    seeds.next_episode(ALL)
    assert seeds.next_episode(ALL, 7) == expected.next_episode(ALL, 7)
    assert seeds.next_episode(ALL) == expected.next_episode(ALL)


def test_a_lane_whose_seed_is_none_continues_its_stream() -> None:
    seeds, expected = LaneSeeds(3), LaneSeeds(3)
    seeds.next_episode(ALL, [1, 2, 3])
    expected.next_episode(ALL, [1, 2, 3])
    assert seeds.next_episode(ALL, [4, None, 6]) == [4, *expected.next_episode(lanes(1)), 6]


def test_without_a_seed_lanes_and_runs_differ() -> None:
    first, second = LaneSeeds(3).next_episode(ALL), LaneSeeds(3).next_episode(ALL)
    assert len({*first, *second}) == 6
    assert all(0 <= seed < 2**53 for seed in first)
