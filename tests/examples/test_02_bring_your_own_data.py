from __future__ import annotations

import runpy
import tempfile
from pathlib import Path

import pytest

from vdworld.data import load_dataset

EXAMPLE = Path(__file__).parents[2] / "examples/02_bring_your_own_data.py"


def test_the_example_runs_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert "20 episodes, 1000 steps, image 64x64" in capsys.readouterr().out
    (folder,) = tmp_path.glob("*/my_robot")
    assert load_dataset(folder).num_steps == 1000
