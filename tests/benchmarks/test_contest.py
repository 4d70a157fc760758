"""A contest compares two worlds clip by clip, on the clips that `predict` draws."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.evaluation.conftest import FakeWorld, copy_last, roll_the_belt
from vdworld.benchmarks.contest import check_protocol, measure_contest
from vdworld.benchmarks.contest_result import Contest, Contestant
from vdworld.benchmarks.timing import PairedRates
from vdworld.evaluation import predict

QUICK = {"batch_sizes": (1, 200), "repeats": 2, "seconds": 0.0, "progress": False}


@pytest.fixture(scope="module")
def copying(belt_data):
    """Let a world that copies the last frame and has no rewards play the peer."""
    peer = FakeWorld(copy_last, has_reward=False, training_info={"steps": 7, "minutes": 1.5})
    return measure_contest(
        FakeWorld(roll_the_belt), peer, belt_data, names=("belt", "copier"), notes="Both are fakes.", **QUICK
    )


def test_both_are_measured_as_predict_measures_them(copying, perfect_world, copying_world, belt_data):
    for world, contestant in ((perfect_world, copying.ours), (copying_world, copying.peer)):
        alone = predict(world, belt_data.split("test"), progress=False)
        np.testing.assert_array_equal(contestant.prediction.scores["psnr"], alone.scores["psnr"])


def test_a_peer_that_copies_scores_what_copying_does(copying):
    for score in ("moving_psnr", "psnr"):
        lines = copying.intervals(score)
        assert lines["peer"] == lines["copy_last"]
        assert all(interval.low > 10 for interval in lines["difference"])


def test_the_difference_is_ours_minus_the_peers_clip_by_clip(copying):
    ours, peer = (one.prediction.scores["psnr"][:, 4] for one in (copying.ours, copying.peer))
    difference = copying.difference("psnr", 5)
    assert difference.mean == pytest.approx((ours - peer).mean())
    assert difference.count == len(ours)


def test_every_batch_size_is_measured_as_often_as_requested(copying):
    assert copying.ours.prediction.num_clips < 200  # there are fewer clips than lanes; they repeat
    assert {batch: len(turns.ratios) for batch, turns in copying.rates.items()} == {1: 2, 200: 2}
    assert all(rate > 0 for turns in copying.rates.values() for rate in (*turns.ours, *turns.peer))


def test_the_tables_name_both_and_say_what_each_imagines(copying):
    text = str(copying)
    labels = [row[0].strip() for row in copying.prediction_table().rows]
    assert labels.count("belt") == labels.count("copier") == labels.count("belt - copier") == 3
    assert labels.count("copy last") == 2  # a copy is as sharp as reality, and no baseline there
    assert "Both are fakes." in text
    flat = " ".join(text.split())
    assert "belt imagines frame, reward and continuation; copier imagines frames alone." in flat
    assert "trained 7 steps in 1.5 minutes" in text


def test_the_speed_table_shows_medians_with_their_spread(copying):
    turns = {32: PairedRates((1000.0, 1200.0, 1100.0), (10.0, 11.0, 9.0))}
    table = Contest(copying.ours, copying.peer, turns).speed_table()
    assert table.columns == ("", "belt", "copier", "ratio")
    assert table.rows == (("batch 32", "1,100 [1,000, 1,200]", "10 [9, 11]", "109 [100, 122]"),)


def test_the_figures_are_plain_json(copying):
    values = json.loads(json.dumps(copying.to_json(), allow_nan=False))
    assert (values["benchmark"], values["steps"]) == ("contest", list(copying.ours.prediction.steps))
    assert set(values["prediction"]) == {"moving_psnr", "psnr", "sharpness"}
    assert set(values["prediction"]["psnr"]) == {"ours", "peer", "copy_last", "difference"}
    assert set(values["prediction"]["sharpness"]) == {"ours", "peer", "difference"}
    assert values["prediction"]["psnr"]["peer"][0] == copying.intervals("psnr")["peer"][0].to_json()
    assert [row["batch_size"] for row in values["speed"]] == [1, 200]
    assert values["training"]["peer"] == {"steps": 7, "minutes": 1.5}
    assert {"belt", "copier", "dataset", "seed", "command", "machine"} <= set(values["about"])


def test_a_contestant_says_what_its_steps_yield(copying):
    prediction = copying.ours.prediction
    assert Contestant("a", prediction).imagines == "a imagines frame, reward and continuation"
    assert Contestant("a", prediction, has_reward=False).imagines == "a imagines frames alone"


def test_a_dataset_without_held_out_episodes_is_refused(belt_data):
    with pytest.raises(ValueError, match="`dataset` must have held-out episodes, got none"):
        check_protocol(belt_data.split("train"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_sizes": ()}, r"`batch_sizes` must hold whole numbers from 1, got \[\]"),
        ({"batch_sizes": (0, 1)}, r"`batch_sizes` must hold whole numbers from 1, got \[0, 1\]"),
        ({"num_clips": 0}, "`num_clips` must be at least 1, got 0"),
        ({"repeats": 0}, "`repeats` must be at least 1, got 0"),
        ({"seconds": -1.0}, "`seconds` must not be negative, got -1"),
        ({"steps": (99,)}, "must hold an episode of 99 steps after the context"),
    ],
)
def test_a_number_out_of_range_is_named(copying_world, belt_data, arguments, message):
    with pytest.raises(ValueError, match=message):
        measure_contest(copying_world, copying_world, belt_data, **arguments)
