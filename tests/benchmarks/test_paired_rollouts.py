"""The rollouts of two worlds are timed in turns, from the same clips."""

from __future__ import annotations

import pytest
import torch

from vdworld.benchmarks import timing
from vdworld.benchmarks.paired_rollouts import check_contexts, time_rollouts
from vdworld.data import ClipSampler


@pytest.fixture
def clips(belt_data):
    sampler = ClipSampler(belt_data, context_length=3, horizon=4)
    episodes, steps = sampler.windows()
    full = torch.nonzero(steps >= 2)[:6, 0]
    return sampler.at(episodes[full], steps[full])


class Clock:
    """A clock that only advances when worlds imagine, and those worlds."""

    def __init__(self, make_world, seconds_per_step):
        self.now, self.log = 0.0, []
        self.worlds = [self._world(make_world, name, cost) for name, cost in seconds_per_step.items()]

    def __call__(self):
        return self.now

    def _world(self, make_world, name, cost):
        def foresee(frame, action):
            self.now += cost
            self.log.append(name)
            return frame

        return make_world(foresee)


def test_rates_are_frames_of_all_lanes_over_the_time_they_took(make_world, clips, monkeypatch):
    clock = Clock(make_world, {"fast": 0.1, "slow": 0.4})
    monkeypatch.setattr(timing, "timer", clock)
    first, second = clock.worlds
    rates = time_rollouts(first, second, clips, repeats=3, seconds=1.0)
    assert rates.ours == pytest.approx([60] * 3)  # six lanes, ten steps a second
    assert rates.peer == pytest.approx([15] * 3)
    assert rates.ratios == pytest.approx([4] * 3)


def test_no_rollout_is_longer_than_the_clips(make_world, clips, monkeypatch):
    clock = Clock(make_world, {"a": 0.125, "b": 1.0})
    monkeypatch.setattr(timing, "timer", clock)
    first, second = clock.worlds
    time_rollouts(first, second, clips, repeats=1, seconds=2.0)
    assert clock.log.count("a") == 2 + 4 * 4  # sixteen steps take two seconds, and a clip has four
    assert clock.log.count("b") == 2 + 2


def test_contexts_of_different_lengths_can_t_be_compared(make_world, copying_world):
    longer = make_world(lambda frame, _: frame, context_length=4)
    with pytest.raises(ValueError, match="`peer` must have our context length, 3 frames, got 4"):
        check_contexts(copying_world, longer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"repeats": 0}, "`repeats` must be at least 1, got 0"),
        ({"seconds": -1.0}, "`seconds` must not be negative, got -1"),
    ],
)
def test_a_number_out_of_range_is_named(copying_world, clips, arguments, message):
    with pytest.raises(ValueError, match=message):
        time_rollouts(copying_world, copying_world, clips, **arguments)
