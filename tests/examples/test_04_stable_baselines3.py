"""Claims about examples/04_stable_baselines3.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.examples.learning_examples import PUSHT_ACTIONS, dreamt_pusht, run_example

sb3 = pytest.importorskip("stable_baselines3")

NAME, TINY = "04_stable_baselines3.py", ["--num-envs", "2", "--num-steps", "8", "--rollout", "4"]


@pytest.mark.parametrize("real", [True, False])
def test_the_same_script_learns_in_the_real_environment_and_in_a_dream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], real: bool
) -> None:
    if real:
        pytest.importorskip("gym_pusht")
    world = "real" if real else dreamt_pusht(tmp_path / "world", monkeypatch)
    run_example(NAME, monkeypatch, "--env", world, "--output", str(tmp_path / "ppo.zip"), *TINY)
    assert "Saved the policy as" in capsys.readouterr().out
    model = sb3.PPO.load(tmp_path / "ppo.zip")
    assert model.num_timesteps == 8
    action, _ = model.predict(np.zeros((64, 64, 3), np.uint8))
    assert PUSHT_ACTIONS.contains(action)
