"""The figures of long dreams are worked out by hand, and shown beside recorded ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.evaluation.moving_bar import measure
from vdworld.evaluation.data_range import DataRange
from vdworld.evaluation.drift import Drift, drift_steps_up_to
from vdworld.evaluation.report.tables import drift_table


@pytest.fixture
def climbing() -> Drift:
    """Two dreams whose brightness rises by a tenth of a grey level a step, over data with a standard deviation of 2."""
    steps = np.arange(1, 1_001) * np.ones((2, 1))
    windows = {name: np.array([[98.0], [102.0]] * 50) for name in ("brightness", "motion")}
    statistics = {"brightness": 100 + 0.1 * steps, "motion": np.full((2, 1_000), 100.0)}
    frames = np.zeros((2, 5, 4, 4, 3), np.uint8)
    data = DataRange(windows, np.arange(100) // 10)
    return Drift(statistics, data, (16, 64, 256, 1_000), frames, np.array([[0, 1], [1, 1]]), None, 0)


def test_the_slope_is_the_change_in_a_hundred_steps_in_standard_deviations_of_the_data(climbing) -> None:
    assert climbing.slope("brightness").mean == pytest.approx(0.1 * 100 / 2)
    assert climbing.slope("brightness", 64, 256).mean == pytest.approx(5)
    assert climbing.slope("motion").mean == 0
    assert np.isnan(climbing.slope("brightness", 64, 64).mean)


def test_a_statistic_at_a_step_is_its_mean_over_the_window_before_it(climbing) -> None:
    assert climbing.at(16)["brightness"] == pytest.approx(100 + 0.1 * np.arange(1, 17).mean())
    assert climbing.interval("brightness", 64).mean == pytest.approx(100 + 0.1 * np.arange(49, 65).mean())


def test_the_figures_are_plain_json(perfect_world, moving) -> None:
    drift = measure(perfect_world, moving, num_lanes=3)
    saved = json.loads(json.dumps(drift.to_json(), allow_nan=False))
    assert saved["steps"] == [16, 64, 120]
    assert saved["collapse"] is None
    assert set(saved["statistics"]) == {"brightness", "contrast", "sharpness", "motion", "saturation", "distance"}
    assert set(saved["statistics"]["motion"]["per_100_steps"]) == {"16 to 120", "16 to 64", "64 to 120"}
    assert saved["statistics"]["contrast"]["dreams"]["64"]["count"] == 3
    assert json.dumps(measure(perfect_world, moving, steps=(20,)).to_json(), allow_nan=False), "no slope, and no NaN"


def test_the_table_shows_dreams_beside_recorded_frames(perfect_world, moving) -> None:
    table = drift_table(measure(perfect_world, moving))
    assert table.columns == ("", "recorded", "16 steps", "64 steps", "120 steps", "per 100 steps")
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Brightness"][:4] == ("38.5 to 38.5", *["38.5"] * 3), "15 of 16 columns at 30, one at 167 on average"
    assert rows["Dreams dissolved"][1:4] == ("0%", "0%", "0%")
    assert rows["Verdict"] == ("", "healthy", "healthy", "healthy", "")
    assert max(map(len, table.text().splitlines())) <= 120


@pytest.mark.parametrize(
    ("longest", "steps"),
    [(16, (16,)), (100, (16, 64, 100)), (1_000, (16, 64, 256, 1_000)), (1_500, (16, 64, 256, 1_000, 1_500))],
)
def test_the_default_steps_are_reported_up_to_the_last(longest: int, steps: tuple[int, ...]) -> None:
    assert drift_steps_up_to(longest) == steps
