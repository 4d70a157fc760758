"""What a step costs is measured along four axes, and told in tables, figures and a plot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vdworld.benchmarks.plots import growth_plot
from vdworld.benchmarks.scaling import AXES, measure_growth

FEW: dict[str, Any] = {"batches": (1, 2), "image_sizes": (16,), "context_lengths": (1, 2), "dream_lengths": (6, 9)}


@pytest.fixture(scope="module")
def growth():
    return measure_growth("tiny", image_size=16, progress=False, **FEW)


def test_every_place_is_measured(growth):
    places = {axis: list(costs) for axis, costs in growth.milliseconds.items()}
    asked = dict(zip(AXES, map(list, FEW.values()), strict=True))
    assert places == {**asked, "dream_length": [6, 11]}  # five steps were timed after the sixth
    assert all(cost > 0 for costs in growth.milliseconds.values() for cost in costs.values())
    for axis in places:
        assert growth.mebibytes[axis].keys() == growth.milliseconds[axis].keys()
        assert next(iter(growth.mebibytes[axis].values())) == 0


def test_what_was_found_is_told(growth):
    assert all(f"Cost with {across}" in str(growth) for across in AXES.values())
    rows = json.loads(json.dumps(growth.to_json()))["rows"]
    assert [(row["axis"], row["at"]) for row in rows][:3] == [("batch", 1), ("batch", 2), ("image_size", 16)]
    assert growth_plot(growth).startswith(b"\x89PNG")


def test_axes_may_be_left_out_and_places_count_from_one():
    others: dict[str, Any] = {name: () for name in FEW if name != "batches"}
    alone = measure_growth(image_size=16, batches=(2,), progress=False, **others)
    assert list(alone.milliseconds) == ["batch"]
    with pytest.raises(ValueError, match=r"`batch` must hold numbers from 1, got \[0\]"):
        measure_growth(image_size=16, batches=(0,), progress=False)
