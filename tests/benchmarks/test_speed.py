"""The speed benchmark counts frames, and records what it measured and where."""

from __future__ import annotations

import copy
import json
import statistics

import pytest

from vdworld.benchmarks import matmul_ceiling
from vdworld.benchmarks.measured_world import fresh_world
from vdworld.benchmarks.speed import gflop_per_frame, measure_speed
from vdworld.benchmarks.speed_result import Speed
from vdworld.networks import count_flops
from vdworld.world import Execution


@pytest.fixture(scope="module")
def world():
    return fresh_world("tiny", image_size=16)


def test_every_combination_is_measured_as_often_as_requested(world):
    speed = measure_speed(world, batch_sizes=[1, 2], num_sampling_steps=[1, 2], repeats=3, seconds=0)
    assert {combination: len(rates) for combination, rates in speed.rates.items()} == {
        (1, 1): 3,
        (1, 2): 3,
        (2, 1): 3,
        (2, 2): 3,
    }
    assert all(rate > 0 for rates in speed.rates.values() for rate in rates)


RATES = {(1, 1): [10.0, 30.0, 20.0], (32, 1): [1000.0, 1200.0, 1100.0]}
SPEED = Speed(RATES, {1: 0.5}, {(1, 1): 2**20, (32, 1): 5 * 2**20}, 1100.0, {"machine": "two cores"})


def test_the_table_shows_medians_with_their_spread():
    speed = SPEED
    assert speed.table().columns == ("", "1 sampling step")
    assert speed.table().rows == (("batch 1", "20 [10, 30]"), ("batch 32", "1,100 [1,000, 1,200]"))
    assert "two cores" in str(speed)


def test_the_second_table_shows_how_near_the_machine_s_limits_are():
    assert SPEED.cost_table().rows == (
        ("batch 1, 1 sampling step", "50.0", "10.0", "1%", "1"),
        ("batch 32, 1 sampling step", "29.1", "550.0", "50%", "5"),
    )


def test_every_evaluation_and_the_commit_pass_are_counted(world):
    cost = count_flops(world.network, world.image_size, world.action_codec.dim)
    heads = 2 * 128 * (world.network.feature_dim + 2) / 1e9
    for steps in (1, 4):
        assert gflop_per_frame(world, steps) == pytest.approx(steps * cost.evaluation + cost.commit + heads, rel=1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_operations_are_counted_at_every_precision(world, precision):
    lower = copy.deepcopy(world)
    lower.execution = Execution(precision=precision)
    assert gflop_per_frame(lower, 1) == gflop_per_frame(world, 1)


def test_no_larger_product_is_tried_after_a_slow_one(monkeypatch):
    sizes = []
    monkeypatch.setattr(matmul_ceiling, "median_seconds", lambda call, device: sizes.append(len(call())) or 1.0)
    assert matmul_ceiling.matmul_ceiling("cpu") == 2 * 512**3 / 1e9
    assert sizes == [512]


def test_the_ceiling_is_above_what_a_world_achieves(world):
    speed = measure_speed(world, batch_sizes=[4], num_sampling_steps=[1], repeats=1, seconds=0)
    assert 0 < speed.achieved(4, 1) < speed.ceiling
    assert speed.memory[4, 1] > 2**20


def test_a_plot_is_drawn():
    assert SPEED.plots["speed.png"]().startswith(b"\x89PNG")


def test_the_figures_are_plain_json():
    figures = json.loads(json.dumps(SPEED.to_json()))
    row = figures["rows"][1]
    assert (row["batch_size"], row["num_sampling_steps"], row["repeats"]) == (32, 1, RATES[32, 1])
    assert row["frames_per_second"] == {"median": statistics.median(RATES[32, 1]), "low": 1000.0, "high": 1200.0}
    assert row["gflop_per_second"] == 550
    assert figures["ceiling_gflop_per_second"] == 1100


def test_the_figures_say_where_they_come_from(world):
    about = measure_speed(world, batch_sizes=[1], num_sampling_steps=[1], repeats=1, seconds=0, seed=7).about
    assert about["seed"] == "7"
    assert about["world"].startswith("StackedUNet, ")
    assert about["world"].endswith("frames 16x16")
    assert {"command", "date", "machine", "device", "versions"} <= set(about)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_sizes": [0]}, r"`batch_sizes` must hold whole numbers from 1, got \[0\]"),
        ({"num_sampling_steps": []}, r"`num_sampling_steps` must hold whole numbers from 1, got \[\]"),
        ({"repeats": 0}, "`repeats` must be at least 1, got 0"),
        ({"seconds": -1}, "`seconds` must not be negative, got -1"),
    ],
)
def test_a_number_out_of_range_is_named(world, arguments, message):
    with pytest.raises(ValueError, match=message):
        measure_speed(world, **arguments)
