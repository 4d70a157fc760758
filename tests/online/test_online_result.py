"""The result of an online run survives in its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vdworld.metrics import Interval
from vdworld.online import OnlineResult, Round


def test_results_survive_saving_and_loading(tmp_path: Path) -> None:
    assert OnlineResult.load(tmp_path).rounds == []
    real_return = Interval(1.5, 1.0, 2.0, 30)
    result = OnlineResult(
        [Round(1, 10, 2, 3, 0.5), Round(2, 20, 3, 6, 0.5, real_return)], {"random": real_return}, {"env": "x"}
    )
    result.save(tmp_path)
    again = OnlineResult.load(tmp_path)
    assert again == result
    rows = [" ".join(line.split()) for line in str(again).splitlines()]
    assert "20 1.50 [1.00, 2.00] 6 0.5" in rows
    assert not any(row.startswith("10 ") for row in rows), "the first round was not evaluated"


def test_a_folder_without_a_result_has_no_rounds(tmp_path: Path) -> None:
    assert OnlineResult.load(tmp_path) == OnlineResult()


def test_the_plot_shows_evaluated_rounds_only() -> None:
    evaluated = Round(2, 20, 3, 6, 0.5, Interval(1.5, 1.0, 2.0, 30))
    png = OnlineResult([Round(1, 10, 2, 3, 0.5), evaluated]).plot()
    assert png == OnlineResult([evaluated]).plot()
    assert png.startswith(b"\x89PNG")


def test_a_run_of_an_earlier_version_keeps_its_baselines(tmp_path: Path, edit_json: Callable) -> None:
    result = OnlineResult([Round(1, 10, 2, 3, 0.5)], {"random": Interval(0.5, 0.2, 0.9, 30)})
    result.save(tmp_path)
    edit_json(tmp_path / "progress.json", lambda values: values.update(floors=values.pop("baselines")))
    assert OnlineResult.load(tmp_path) == result
