"""Claims about examples/05_torchrl.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.learning_examples import dreamt_pusht, run_example

pytest.importorskip("torchrl")

NAME, TINY = "05_torchrl.py", ["--num-envs", "2", "--num-updates", "2", "--rollout", "4"]


@pytest.mark.parametrize("real", [True, False])
def test_the_same_script_learns_in_the_real_environment_and_in_a_dream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], real: bool
) -> None:
    if real:
        pytest.importorskip("gym_pusht")
    world = "real" if real else dreamt_pusht(tmp_path / "world", monkeypatch, size=32)
    names = run_example(NAME, monkeypatch, "--env", world, *TINY)
    assert capsys.readouterr().out.count("mean reward") == 2
    actions = names["rollout"]["action"]
    assert actions.shape == (2, 4, 2)
    assert 0 <= actions.min() < actions.max() <= 512
