"""Claims about examples/12_learn_online.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.learning_examples import run_example


@pytest.mark.slow
def test_it_learns_round_by_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run_example("12_learn_online.py", monkeypatch, str(tmp_path), "40")
    text = capsys.readouterr().out
    assert "round 1: " in text
    assert "The online loop" in text
    assert (tmp_path / "progress.json").is_file()
