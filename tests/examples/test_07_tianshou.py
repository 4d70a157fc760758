"""Claims about examples/07_tianshou.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envs import random_world as random_worlds
from tests.examples.learning_examples import run_example

pytest.importorskip("tianshou")


def test_it_learns_in_dreams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = random_worlds.random_world().save_pretrained(tmp_path / "world")
    result = run_example("07_tianshou.py", monkeypatch, str(world), "64")
    assert "The return of 8 dreamt episodes" in capsys.readouterr().out
    assert result["result"].train_step == 64
    assert result["algorithm"].policy.action_space.shape == (2,)
