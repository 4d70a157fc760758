"""Claims about examples/11_video_policy.py."""

from __future__ import annotations

import pytest

from tests.examples.learning_examples import run_example


@pytest.mark.slow
def test_all_agents_play_pusht(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gym_pusht")
    run_example("11_video_policy.py", monkeypatch, "400", "0.05", "2")
    said = capsys.readouterr().out
    assert all(f"{name} " in said for name in ("video", "planner", "random", "no-op"))
