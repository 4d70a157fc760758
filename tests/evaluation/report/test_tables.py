from __future__ import annotations

import math

import numpy as np
import pytest

from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.table import Table, cell, significant_digits
from vdworld.evaluation.report.tables import prediction_table, returns_table
from vdworld.evaluation.returns import Play, Returns
from vdworld.metrics import Interval


@pytest.mark.parametrize(
    ("interval", "options", "text"),
    [
        (Interval(19.46, 19.1, 19.94, 9), {}, "19.5 [19.1, 19.9]"),
        (Interval(-0.414, -0.5, 0.3, 9), {"digits": 2, "signed": True}, "-0.41 [-0.50, +0.30]"),
        (Interval(-0.001, -0.004, 0.02, 9), {"digits": 2, "signed": True}, "+0.00 [+0.00, +0.02]"),
        (Interval(0.38, 0.25, 0.5, 9), {"digits": 0, "percent": True}, "38% [25, 50]"),
        (Interval(2.0, math.nan, math.nan, 1), {}, "2.0"),
        (Interval(math.nan, math.nan, math.nan, 0), {}, "-"),
    ],
)
def test_a_cell_shows_the_mean_and_its_interval(interval: Interval, options: dict, text: str) -> None:
    assert cell(interval, **options) == text


def test_text_columns_line_up() -> None:
    table = Table("Title", ("", "one", "two"), (("group",), ("  a", "1", "22222"), ("b", "333", "4")), "Note.")
    assert table.text().splitlines() == [
        "Title",
        "     one    two",
        "───  ───  ─────",
        "group",
        "  a    1  22222",
        "b    333      4",
        "Note.",
    ]


@pytest.fixture
def prediction() -> Prediction:
    scores = {name: np.full((4, 5), value) for name, value in (("psnr", 38.0), ("copy_psnr", 32.5))}
    scores |= {name: np.full((4, 5), value) for name, value in (("moving_psnr", 19.5), ("copy_moving_psnr", 12.9))}
    scores["sharpness"] = scores["union_sharpness"] = np.full((4, 5), math.nan)
    windows = np.array([[0, 3], [1, 3], [1, 4], [2, 3]])
    return Prediction(scores, windows, steps=(1, 5), seed=0, frames_per_second=390.0)


def test_the_prediction_table_compares_every_score_with_copying(prediction: Prediction) -> None:
    table = prediction_table(prediction)
    assert table.columns == ("", "1 step", "5 steps")
    rows = {(group, row[0].strip()): row[1] for group, row in _grouped(table)}
    assert rows["Moving pixels: PSNR in dB", "world"] == "19.5 [19.5, 19.5]"
    assert rows["Moving pixels: PSNR in dB", "copy last"] == "12.9 [12.9, 12.9]"
    assert rows["All pixels: PSNR in dB", "difference"] == "+5.5 [+5.5, +5.5]"
    assert "4 clips from 3 episodes" in table.note
    assert not any("Reward" in row[0] for row in table.rows)


def test_the_patch_distance_is_a_ratio_of_means_and_shown_only_if_measured(prediction: Prediction) -> None:
    assert "Patch distance" not in prediction_table(prediction).text()
    distances = np.array([[0.1, math.nan], [0.3, math.nan], [math.nan, math.nan], [0.5, math.nan]])[:, [0, 1, 1, 1, 1]]
    prediction.scores.update(patch_distance=distances, real_patch_distance=distances / 1.25)
    table = prediction_table(prediction)
    assert [row[1:] for row in table.rows if row[0] == "Patch distance (1: real)"] == [("1.25 [1.25, 1.25]", "-")]
    assert "moving 7 x 7 patches to the nearest recorded ones" in table.note


def test_rewards_are_shown_beside_their_mean_to_two_digits(prediction: Prediction) -> None:
    prediction.scores.update(reward_error=np.full((4, 5), 0.0102), mean_reward_error=np.full((4, 5), 0.03))
    rows = {(group, row[0].strip()): row[1] for group, row in _grouped(prediction_table(prediction))}
    assert rows["Reward: mean absolute error", "world"] == "0.010 [0.010, 0.010]"
    assert rows["Reward: mean absolute error", "always the mean"] == "0.030 [0.030, 0.030]"


@pytest.mark.parametrize(
    ("values", "digits"), [((0.0018, 0.05), 3), ((12.0,), 0), ((3.4,), 1), ((0.0,), 1), ((1e-9,), 6)]
)
def test_decimals_follow_the_largest_value(values: tuple[float, ...], digits: int) -> None:
    assert significant_digits(*values) == digits


def test_long_notes_are_wrapped_at_the_width_of_the_table() -> None:
    lines = Table("Title", ("", "one"), (("a", "1"),), "word " * 40).text().splitlines()
    assert max(map(len, lines)) <= 80


def test_the_returns_table_says_how_many_episodes_were_cut_off() -> None:
    plays = {
        "mine": Play(np.array([3.0, 5.0]), np.array([7, 9]), 0, 1.0),
        "random": Play(np.array([1.0, 2.0]), np.array([10, 10]), 2, 0.0),
    }
    table = returns_table(Returns(plays, (0, 1), max_steps=10, seed=0))
    assert table.rows[0][1:] == ("4.00 [3.00, 5.00]", "+2.50 [+2.00, +3.00]", "8")
    assert "2 episodes were cut off after 10 steps" in table.note


def _grouped(table: Table) -> list[tuple[str, tuple[str, ...]]]:
    group, rows = "", []
    for row in table.rows:
        if len(row) == 1:
            group = row[0]
        else:
            rows.append((group, row))
    return rows
