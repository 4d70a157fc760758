"""Claims about the comparison of dreams with real steps, on a counter."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import vdworld
from vdworld.benchmarks.dream_vs_real import DREAMS, REAL, UNGUARDED, measure_dream_vs_real
from vdworld.benchmarks.dream_vs_real_result import DreamVsReal
from vdworld.cli import main
from vdworld.evaluation.returns import Play, Returns

QUICK = {"num_steps": 8, "num_envs": 2, "dream_steps": 3, "num_episodes": 2, "max_steps": 4}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dream_vs_real")
    if "vdworld-test/Counter-v0" not in gym.registry:
        gym.register("vdworld-test/Counter-v0", entry_point="vdworld.envs.games.scripted:CounterEnv")
    data = vdworld.record("vdworld-test/Counter-v0", folder / "data", num_steps=40, max_episode_steps=10, num_envs=1)
    small = {"width": 16, "coarse_width": 32}
    vdworld.train(data, max_steps=1, batch_size=2, network=small, num_rollout_gifs=0, output=folder / "world")
    return folder


def test_every_way_is_learnt_and_played_in_the_same_episodes(home: Path, tmp_path: Path) -> None:
    world, data = vdworld.WorldModel.from_pretrained(home / "world"), vdworld.load_dataset(home / "data")
    logged: list[str] = []
    settings = {**QUICK, "seeds": (0, 1), "horizon": 2, "hidden_dim": 8, "output": tmp_path}
    result = measure_dream_vs_real(world, data, make_logger=lambda name, folder: logged.append(name), **settings)
    runs = [f"{way}, seed {seed}" for way in (DREAMS, UNGUARDED, REAL) for seed in (0, 1)]
    assert logged == runs
    assert list(result.returns.plays) == [*runs, "random", "no-op"]
    assert {len(play.returns) for play in result.returns.plays.values()} == {2}
    assert min(result.returns.seeds) >= 10_000
    again = measure_dream_vs_real(world, data, make_logger=lambda name, folder: logged.append(name), **settings)
    assert logged == runs, "finished runs are not repeated"
    assert all(np.array_equal(result.values(way), again.values(way)) for way in result.ways)
    settings["num_steps"] = 16
    with pytest.raises(ValueError, match="requested_steps 8 instead of 16"):
        measure_dream_vs_real(world, data, **settings)


def test_means_and_differences_worked_out_by_hand() -> None:
    per_run = {f"{REAL}, seed 0": [1.0, 3.0], f"{REAL}, seed 1": [3.0, 5.0], "random": [0.0, 1.0], "no-op": [0.0, 0.0]}
    plays = {name: Play(np.array(row), np.array([4, 4]), 0, 0.1) for name, row in per_run.items()}
    minutes = {f"{REAL}, seed {seed}": 1.0 for seed in (0, 1)}
    result = DreamVsReal(Returns(plays, (7, 8), 4, 0), minutes, (REAL,), (0, 1), 100, {})
    assert result.values(REAL).tolist() == [2.0, 4.0]
    assert result.interval(REAL).mean == 3.0
    assert result.difference(REAL, "random").mean == 2.5
    row = result.table().rows[0]
    assert row[0] == REAL
    assert row[3] == "2.00, 4.00"
    assert row[4] == "1.0"


def test_the_command_line_measures_and_resumes(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "benchmark",
        "dream_vs_real",
        f"world={home}/world",
        f"data={home}/data",
        f"output={tmp_path}/out",
        "device=cpu",
    ]
    words += ["num_steps=8", "num_envs=2", "dream_steps=3", "ways=[dreams]"]
    words += ["learner_settings={horizon: 2, hidden_dim: 8}", "num_episodes=2", "max_steps=4"]
    assert main(words) == 0
    assert "Policies in the real environment" in capsys.readouterr().out
    assert json.loads((tmp_path / "out/dream_vs_real.json").read_text())["ways"] == ["dreams"]
    assert main(words) == 2
    assert "Continue with resume=true" in capsys.readouterr().err
    assert main([*words, "resume=true"]) == 0
    capsys.readouterr()
    assert main([*words[:2], f"world={home}/world"]) == 2
    assert "`data` must be given" in capsys.readouterr().err
    assert main([*words, f"output={tmp_path}/new", "ways=[sleep]"]) == 2
    assert "`ways` must be some of dreams" in capsys.readouterr().err
