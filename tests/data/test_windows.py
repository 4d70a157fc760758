from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np

from vdworld.data.windows import draw_evenly, usable_steps
from vdworld.training.calibration import longest_episode


def test_every_episode_is_drawn_once_before_any_is_drawn_twice() -> None:
    ranges = {3: range(0, 5), 7: range(2, 4), 9: range(4, 5)}
    drawn = list(draw_evenly(ranges, np.random.default_rng(0)))
    assert sorted(drawn) == [(e, m) for e, steps in ranges.items() for m in steps]
    assert {episode for episode, _ in drawn[:3]} == {3, 7, 9}
    assert {episode for episode, _ in drawn[3:5]} == {3, 7}


def test_the_same_seed_draws_the_same_steps() -> None:
    ranges = {i: range(100) for i in range(20)}
    first, again, other = (list(islice(draw_evenly(ranges, np.random.default_rng(s)), 30)) for s in (1, 1, 2))
    assert first == again != other


def test_nothing_to_draw_from_draws_nothing() -> None:
    assert list(draw_evenly({}, np.random.default_rng(0))) == []


def test_steps_leave_room_for_context_and_future(make_dataset: Callable) -> None:
    dataset = make_dataset((6, 4, 9, 5))
    assert usable_steps(dataset, past=2, future=3) == {0: range(2, 4), 2: range(2, 7), 3: range(2, 3)}
    assert longest_episode(dataset) == 9
