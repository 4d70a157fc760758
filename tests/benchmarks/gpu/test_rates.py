"""A combination that fails or does not fit leaves the others their figures."""

from __future__ import annotations

from dataclasses import replace

from tests.benchmarks.gpu.gpu_settings import SETTINGS
from vdworld.benchmarks.gpu import rates


def test_a_combination_that_fails_leaves_the_figures_of_the_others(monkeypatch):
    measure = rates.measure_speed

    def fails_alone(world, *, batch_sizes, **settings):
        if batch_sizes == [1]:
            raise RuntimeError("no kernel")
        return measure(world, batch_sizes=batch_sizes, **settings)

    monkeypatch.setattr(rates, "measure_speed", fails_alone)
    result = rates.measure_rates(replace(SETTINGS, batch_sizes=(1, 2), num_sampling_steps=(1,)), seconds=60.0)
    assert [row.get("why") for row in result.figures["rows"]] == ["failed", None]
    assert "RuntimeError: no kernel" in result.problem


def test_combinations_that_do_not_fit_say_why(monkeypatch):
    def too_large(*_, **__):
        raise RuntimeError("This world's step can't be recorded as a CUDA graph: CUDA out of memory.")

    rows = rates.measure_rates(SETTINGS, seconds=-1.0).figures["rows"]
    assert [row["why"] for row in rows] == ["not run: no time left"] * 2
    monkeypatch.setattr(rates, "measure_speed", too_large)
    result = rates.measure_rates(SETTINGS, seconds=60.0)
    assert [row["why"] for row in result.figures["rows"]] == ["not run: out of memory"] * 2
    assert result.tables[0].rows[0] == ("batch 1, 1 sampling step", "not run: out of memory", "-", "-", "-")
