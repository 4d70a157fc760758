"""The cost of a step is measured along four axes, and shown in tables, figures and a plot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vdworld.benchmarks.scaling import AXES, measure_scaling

FEW: dict[str, Any] = {"batches": (1, 2), "image_sizes": (16,), "context_lengths": (1, 2), "dream_lengths": (6, 9)}


@pytest.fixture(scope="module")
def scaling():
    return measure_scaling("tiny", image_size=16, progress=False, **FEW)


def test_every_place_is_measured(scaling):
    places = {axis: list(costs) for axis, costs in scaling.milliseconds.items()}
    requested = dict(zip(AXES, map(list, FEW.values()), strict=True))
    assert places == {**requested, "dream_length": [6, 11]}  # five steps were timed after the sixth
    assert all(cost > 0 for costs in scaling.milliseconds.values() for cost in costs.values())
    for axis in places:
        assert scaling.mebibytes[axis].keys() == scaling.milliseconds[axis].keys()
        assert next(iter(scaling.mebibytes[axis].values())) == 0


def test_tables_figures_and_plot_show_all_axes(scaling):
    assert all(f"Cost with {across}" in str(scaling) for across in AXES.values())
    rows = json.loads(json.dumps(scaling.to_json()))["rows"]
    assert [(row["axis"], row["at"]) for row in rows][:3] == [("batch", 1), ("batch", 2), ("image_size", 16)]
    assert scaling.plots["scaling.png"]().startswith(b"\x89PNG")


def test_axes_may_be_left_out_and_places_count_from_one():
    others: dict[str, Any] = {name: () for name in FEW if name != "batches"}
    alone = measure_scaling(image_size=16, batches=(2,), progress=False, **others)
    assert list(alone.milliseconds) == ["batch"]
    with pytest.raises(ValueError, match=r"`batches` must hold whole numbers from 1, got \[0\]"):
        measure_scaling(image_size=16, batches=(0,), progress=False)
