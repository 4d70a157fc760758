"""Claims about how a world's uncertainty is held against its errors."""

from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import vdworld
from vdworld.cli import main
from vdworld.data import Dataset
from vdworld.envs.games.scripted import CounterEnv
from vdworld.evaluation.report.tables import uncertainty_table
from vdworld.evaluation.uncertainty_calibration import (
    BOTH,
    HELD_OUT,
    RANDOM,
    UncertaintyCalibration,
    ahead,
    measure_uncertainty,
)
from vdworld.world import WorldModel

NETWORK = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "feature_dim": 16, "context_length": 3}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("counter") / "data"
    return vdworld.record(CounterEnv, path, num_steps=300, num_envs=1, progress=False, max_episode_steps=10)


@pytest.fixture(scope="module")
def world(dataset: Dataset) -> WorldModel:
    return vdworld.train(dataset, max_steps=1, batch_size=2, network=NETWORK, num_rollout_gifs=0, device="cpu")


def test_the_error_is_that_of_the_frame_after_the_recorded_action(
    world: WorldModel, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake world that steps exactly as the counter does has no error; one that ignores the action has."""
    exact = measure_uncertainty(_scripted(world, monkeypatch, knows_action=True), dataset, num_clips=20)
    assert exact.clips[HELD_OUT]["error"].max() < 1e-6
    blind = measure_uncertainty(_scripted(world, monkeypatch, knows_action=False), dataset, num_clips=20)
    assert blind.clips[HELD_OUT]["error"].max() > 1e-3
    assert blind.clips[HELD_OUT]["motion"].min() > 0


def _scripted(world: WorldModel, monkeypatch: pytest.MonkeyPatch, *, knows_action: bool) -> WorldModel:
    def step(state: Any, action: Any, **_: Any) -> Any:
        taken = torch.as_tensor(action).float() * knows_action
        colour = ((state.frame[:, :, 0, 0] + 1) * 127.5).round()
        colour = torch.stack([colour[:, 0] + 1, colour[:, 1] + taken, taken], dim=1) / 127.5 - 1
        frame = colour[:, :, None, None].expand_as(state.frame)
        return state, SimpleNamespace(frame=frame, uncertainty=torch.zeros(len(frame)))

    monkeypatch.setattr(world, "step", step)
    return world


def test_random_actions_are_recorded_if_the_environment_is_known(world: WorldModel, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"num_steps": 120, "num_envs": 1, "image_size": 8, "progress": False}
    dataset = vdworld.record("CartPole-v1", tmp_path / "poles", **settings)
    trained = vdworld.train(dataset, max_steps=1, batch_size=2, network=NETWORK, num_rollout_gifs=0, device="cpu")
    result = measure_uncertainty(trained, dataset, num_clips=6)
    assert list(result.clips) == [HELD_OUT, RANDOM]
    assert len(result.clips[RANDOM]["error"]) == 6
    assert (result.clips[RANDOM]["uncertainty"] > 0).all()
    assert uncertainty_table(result).rows[-1][:2] == (BOTH, "12")
    json.dumps(result.to_json())


def test_correlations_are_of_ranks_over_episodes() -> None:
    rng = np.random.default_rng(0)
    error = rng.uniform(size=60)
    clips = {"error": error, "uncertainty": error**3, "motion": rng.uniform(size=60), "episode": np.arange(60) // 2}
    calibration = UncertaintyCalibration({HELD_OUT: clips, RANDOM: clips}, seed=0, about={})
    assert calibration.correlation(HELD_OUT, "uncertainty").mean == pytest.approx(1)
    assert abs(calibration.correlation(BOTH, "motion").mean) < 0.4
    assert calibration.correlation(BOTH, "motion").count == 120


def test_held_out_clips_are_compared_ten_steps_ahead_where_they_are_long_enough(tmp_path: Path) -> None:
    long = partial(CounterEnv, limit=99)
    dataset = vdworld.record(long, tmp_path, num_steps=200, num_envs=1, progress=False, max_episode_steps=14)
    trained = vdworld.train(dataset, max_steps=1, batch_size=2, network=NETWORK, num_rollout_gifs=0, device="cpu")
    result = measure_uncertainty(trained, dataset, num_clips=6)
    near, far = (result.clips[ahead(depth)]["uncertainty"] for depth in (1, 10))
    assert list(result.clips) == [HELD_OUT, ahead(10)]
    assert far.mean() > near.mean()  # it adds up
    assert [row[0] for row in uncertainty_table(result).rows] == [HELD_OUT, ahead(10)]


def test_the_share_of_dreams_over_the_limit_is_that_of_their_depth(world: WorldModel, dataset: Dataset) -> None:
    """Limits of 0 are below every uncertainty, those of 9 above."""
    changed = copy.copy(world)
    for quantiles, expected in ((((0.0, 0.0),), 1.0), (((9.0, 9.0),), 0.0)):
        changed.uncertainty_quantiles = quantiles
        result = measure_uncertainty(changed, dataset, num_clips=6)
        assert result.clips[HELD_OUT]["over_limit"].mean() == expected
        assert uncertainty_table(result).rows[0][-1] == f"{expected:.1%}"
    changed.uncertainty_quantiles = ()
    assert np.isnan(measure_uncertainty(changed, dataset, num_clips=6).clips[HELD_OUT]["over_limit"]).all()


def test_the_command_prints_the_table_and_saves_the_figures(
    world: WorldModel, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.save_pretrained(tmp_path / "world")
    words = [f"world={tmp_path / 'world'}", f"data={dataset.path}", f"output={tmp_path}", "num_clips=8", "device=cpu"]
    assert main(["benchmark", "uncertainty", *words]) == 0
    assert "Uncertainty and error" in capsys.readouterr().out
    rows = json.loads((tmp_path / "uncertainty.json").read_text())["rows"]
    assert [row["clips"] for row in rows] == [HELD_OUT, BOTH]
    assert main(["benchmark", "uncertainty"]) != 0
    assert "`data` and `world` must be given" in capsys.readouterr().err
