from __future__ import annotations

from itertools import islice

import numpy as np

from vdworld.evaluation.windows import spread, usable_moments
from vdworld.training.calibration import longest_episode


def test_every_episode_is_seen_once_before_any_is_seen_twice() -> None:
    spans = {3: range(0, 5), 7: range(2, 4), 9: range(4, 5)}
    drawn = list(spread(spans, np.random.default_rng(0)))
    assert sorted(drawn) == [(e, m) for e, span in spans.items() for m in span]
    assert {episode for episode, _ in drawn[:3]} == {3, 7, 9}
    assert {episode for episode, _ in drawn[3:5]} == {3, 7}


def test_the_same_seed_draws_the_same_moments() -> None:
    spans = {i: range(100) for i in range(20)}
    first, again, other = (list(islice(spread(spans, np.random.default_rng(s)), 30)) for s in (1, 1, 2))
    assert first == again != other


def test_nothing_to_draw_from_draws_nothing() -> None:
    assert list(spread({}, np.random.default_rng(0))) == []


def test_moments_leave_room_for_context_and_future(belt_data) -> None:
    spans = usable_moments(belt_data, past=2, future=20)
    lengths = {entry.index: entry.length - 1 for entry in belt_data.entries}
    assert set(spans) == {index for index, length in lengths.items() if length >= 22}
    assert all(span[0] == 2 and span[-1] == lengths[index] - 20 for index, span in spans.items())
    assert longest_episode(belt_data) == 30
