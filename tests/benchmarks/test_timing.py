"""Rates are steps over the seconds that they took, and turns are shared fairly."""

from __future__ import annotations

import json
import time

import pytest
import torch

from vdworld.benchmarks import timing
from vdworld.benchmarks.timing import PairedRates, check_counts, median_seconds, time_in_turns, time_pair, timed


class Stepper:
    """Takes a fixed time per step, and logs its calls."""

    def __init__(self, name: str, seconds_per_step: float, log: list[tuple[str, int]]) -> None:
        self.name, self.seconds_per_step, self.log = name, seconds_per_step, log

    def __call__(self, horizon: int) -> float:
        self.log.append((self.name, horizon))
        return horizon * self.seconds_per_step


def test_a_call_is_timed_and_its_result_returned(monkeypatch):
    readings = iter([10.0, 12.5])
    monkeypatch.setattr(timing, "timer", lambda: next(readings))
    assert timed(lambda: "result") == ("result", 2.5)


def test_the_median_is_that_of_single_calls():
    """A call that sleeps takes at least as long, and not the block that it was timed in."""
    assert 0.002 <= median_seconds(lambda: time.sleep(0.002), seconds=0.02) < 1


def test_timing_leaves_the_number_of_threads_alone():
    before, during = torch.get_num_threads(), []
    median_seconds(lambda: during.append(torch.get_num_threads()), seconds=0)
    assert set(during) == {before}
    assert torch.get_num_threads() == before


def test_rates_are_steps_over_the_seconds_they_took():
    log: list[tuple[str, int]] = []
    fast, slow = Stepper("fast", 0.125, log), Stepper("slow", 0.5, log)
    assert time_in_turns(fast, slow, longest=4, repeats=3) == [[8.0] * 3, [2.0] * 3]
    assert time_pair(fast, slow, num_lanes=6, longest=4, repeats=2) == PairedRates((48.0, 48.0), (12.0, 12.0))


def test_the_order_is_reversed_in_every_other_turn():
    log: list[tuple[str, int]] = []
    time_in_turns(Stepper("a", 1.0, log), Stepper("b", 1.0, log), longest=4, repeats=3)
    assert "".join(name for name, _ in log) == "aabb" + "ab" + "ba" + "ab"  # two first calls each, then the turns


def test_a_turn_lasts_at_least_as_long_as_requested_and_no_call_is_longer_than_allowed():
    log: list[tuple[str, int]] = []
    time_in_turns(Stepper("a", 0.125, log), longest=4, repeats=1, seconds=2.0, warm_up=3)
    assert log == [("a", 3), ("a", 1), *[("a", 4)] * 4]  # sixteen steps take two seconds


def test_ratios_are_taken_turn_by_turn_and_the_figures_are_plain_json():
    values = json.loads(json.dumps(PairedRates((10.0, 12.0, 30.0), (5.0, 4.0, 3.0)).to_json()))
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
def test_a_number_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        time_in_turns(Stepper("a", 1.0, []), longest=4, **arguments)


@pytest.mark.parametrize("values", [[], [0, 1], ["a"], [1.5]])
def test_counts_are_whole_numbers_from_1(values):
    with pytest.raises(ValueError, match="`batch_sizes` must hold whole numbers from 1, got "):
        check_counts(batch_sizes=values)
