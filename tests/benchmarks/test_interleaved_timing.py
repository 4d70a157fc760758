"""Two worlds take turns, equally often, and are compared turn by turn."""

from __future__ import annotations

import json

import pytest
import torch

from vdworld.benchmarks import interleaved_timing
from vdworld.benchmarks.interleaved_timing import Turns, take_turns
from vdworld.data import ClipSampler


@pytest.fixture
def clips(belt_data):
    sampler = ClipSampler(belt_data, context_length=3, horizon=4)
    episodes, steps = sampler.windows()
    chosen = torch.nonzero(steps >= 2)[:6, 0]
    return sampler.at(episodes[chosen], steps[chosen])


class Clock:
    """A clock that stands still but for what worlds let pass, and the worlds that do."""

    def __init__(self, make_world, seconds_per_step):
        self.now, self.log = 0.0, []
        self.worlds = [self._world(make_world, name, cost) for name, cost in seconds_per_step.items()]

    def perf_counter(self):
        return self.now

    def _world(self, make_world, name, cost):
        def foresee(frame, action):
            self.now += cost
            self.log.append(name)
            return frame

        return make_world(foresee)


def test_rates_are_frames_of_all_lanes_over_the_time_they_took(make_world, clips, monkeypatch):
    clock = Clock(make_world, {"fast": 0.1, "slow": 0.4})
    monkeypatch.setattr(interleaved_timing, "time", clock)
    first, second = clock.worlds
    found = take_turns(first, second, clips, repeats=3, seconds=1.0)
    assert found.ours == pytest.approx([60] * 3)  # six lanes, ten steps a second
    assert found.peer == pytest.approx([15] * 3)
    assert found.ratios == pytest.approx([4] * 3)


def test_who_begins_changes_from_turn_to_turn(make_world, clips, monkeypatch):
    clock = Clock(make_world, {"a": 1.0, "b": 1.0})
    monkeypatch.setattr(interleaved_timing, "time", clock)
    first, second = clock.worlds
    take_turns(first, second, clips, repeats=3, seconds=1.0)
    assert "".join(clock.log) == "aabb" + "ab" + "ba" + "ab"  # two first calls each, then the turns


def test_a_turn_lasts_as_long_as_asked_and_no_rollout_longer_than_the_clips(make_world, clips, monkeypatch):
    clock = Clock(make_world, {"a": 0.125, "b": 1.0})
    monkeypatch.setattr(interleaved_timing, "time", clock)
    first, second = clock.worlds
    take_turns(first, second, clips, repeats=1, seconds=2.0)
    assert clock.log.count("a") == 2 + 4 * 4  # sixteen steps take two seconds, and a clip has four
    assert clock.log.count("b") == 2 + 2


def test_the_figures_are_plain_json():
    values = json.loads(json.dumps(Turns((10.0, 12.0, 30.0), (5.0, 4.0, 3.0)).to_json()))
    assert values == {
        "ours": [10.0, 12.0, 30.0],
        "peer": [5.0, 4.0, 3.0],
        "ratio": {"median": 3.0, "low": 2.0, "high": 10.0},
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"repeats": 0}, "`repeats` must be at least 1, got 0"),
        ({"seconds": -1.0}, "`seconds` must not be negative, got -1"),
    ],
)
def test_a_number_out_of_range_is_named(copying_world, clips, arguments, message):
    with pytest.raises(ValueError, match=message):
        take_turns(copying_world, copying_world, clips, **arguments)
