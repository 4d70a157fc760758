"""The vector environment is timed beside the rollouts that it makes."""

from __future__ import annotations

import json

import pytest

from vdworld.benchmarks.env_overhead import Overhead, measure_overhead
from vdworld.benchmarks.interleaved_timing import Turns
from vdworld.benchmarks.speed import fresh_world


@pytest.fixture(scope="module")
def world():
    return fresh_world("tiny", image_size=16)


def test_both_outputs_are_timed_in_turn(world):
    found = measure_overhead(world, batch_sizes=[1, 3], repeats=2, seconds=0)
    assert list(found.turns) == [(1, "numpy"), (1, "torch"), (3, "numpy"), (3, "torch")]
    assert all(len(turns.ours) == len(turns.peer) == 2 for turns in found.turns.values())
    assert found.about["world"].startswith("StackedUNet")


def test_the_overhead_is_the_time_beyond_the_rollout_s():
    turns = Turns(ours=(80.0, 95.0, 100.0), peer=(100.0, 100.0, 100.0))
    found = Overhead({(256, "torch"): turns}, {"machine": "two cores"})
    assert found.overhead(256, "torch") == pytest.approx(100 / 95 - 1)
    assert found.table().rows == (("batch 256, torch", "95 [80, 100]", "100 [100, 100]", "+5.3%"),)
    assert "two cores" in str(found)
    assert json.loads(json.dumps(found.to_json()))["rows"][0]["overhead"] == pytest.approx(0.0526, abs=1e-4)


def test_a_number_out_of_range_is_named(world):
    with pytest.raises(ValueError, match="`batch_sizes` must hold numbers from 1"):
        measure_overhead(world, batch_sizes=[0])


def test_dreams_of_a_fresh_world_never_end(world):
    rollout = world.rollout(world.sample_start(4), horizon=20, actions_or_policy=lambda state: [[0.0, 0.0]] * 4)
    assert not rollout.terminated.any()
