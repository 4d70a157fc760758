"""The vector environment is timed in turns with rollouts of its world."""

from __future__ import annotations

import json

import pytest

from vdworld.benchmarks.env_overhead import EnvOverhead, measure_env_overhead
from vdworld.benchmarks.measured_world import fresh_world
from vdworld.benchmarks.timing import PairedRates


@pytest.fixture(scope="module")
def world():
    return fresh_world("tiny", image_size=16)


def test_both_outputs_are_timed_in_turns(world):
    result = measure_env_overhead(world, batch_sizes=[1, 3], repeats=2, seconds=0)
    assert list(result.rates) == [(1, "numpy"), (1, "torch"), (3, "numpy"), (3, "torch")]
    assert all(len(turns.ours) == len(turns.peer) == 2 for turns in result.rates.values())
    assert result.about["world"].startswith("StackedUNet")


def test_the_overhead_is_the_time_beyond_the_rollout_s():
    turns = PairedRates(ours=(80.0, 95.0, 100.0), peer=(100.0, 100.0, 100.0))
    result = EnvOverhead({(256, "torch"): turns}, {"machine": "two cores"})
    assert result.overhead(256, "torch") == pytest.approx(100 / 95 - 1)
    assert result.table().rows == (("batch 256, torch", "95 [80, 100]", "100 [100, 100]", "+5.3%"),)
    assert "two cores" in str(result)
    assert json.loads(json.dumps(result.to_json()))["rows"][0]["overhead"] == pytest.approx(0.0526, abs=1e-4)


def test_a_number_out_of_range_is_named(world):
    with pytest.raises(ValueError, match="`batch_sizes` must hold whole numbers from 1"):
        measure_env_overhead(world, batch_sizes=[0])
