"""From a world and a dataset to a page, in both protocols."""

from __future__ import annotations

import html.parser
import io
import json
from pathlib import Path

import gymnasium as gym
import imageio.v3 as iio
import numpy as np
import pytest
import torch

from vdworld.evaluation import GoalReaching, PlayProtocol, Returns, evaluate
from vdworld.evaluation.real_play import check_goals, resolve_env

QUICK = {"progress": False, "num_clips": 8, "steps": (1, 5), "num_episodes": 3}


class Centre:
    """Goes to the middle of the table."""

    def reset(self, mask=None, seed=None, goal=None, context=None) -> None:
        pass

    def act(self, observation):
        return torch.full((len(observation), 2), 256.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def report(folder, pusht_world, pusht_data):
    torch.set_num_threads(1)
    settings = {"goal_offset": 8, "budget": 4, "output": folder, "seed": 2}
    return evaluate(pusht_world, pusht_data, agents={"<centre>": Centre()}, **QUICK, **settings)


def test_pusht_is_scored_by_its_goals(report) -> None:
    assert isinstance(report.control, GoalReaching)
    assert list(report.control.attempts) == ["<centre>", "random", "no-op"]
    assert report.control.num_starts == 3
    assert report.control.attempts["random"].distances.shape == (3, 5)


def test_only_held_out_episodes_are_used(report, pusht_data) -> None:
    held_out = {entry.index for entry in pusht_data.split("test").entries}
    for windows in (report.prediction.windows, report.control.windows):
        assert set(windows[:, 0].tolist()) <= held_out
    assert "2 held-out episodes" in report.about["dataset"]


def test_the_page_loads_nothing(report, folder) -> None:
    tags = _tags((folder / "report.html").read_text())
    sources = [value for _, attributes in tags for key, value in attributes if key in ("src", "href")]
    assert len(sources) >= 6
    assert all(source.startswith("data:image/") for source in sources)
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "object"}


def test_the_page_shows_tables_baselines_and_provenance(report, folder) -> None:
    text = (folder / "report.html").read_text()
    for words in ("copy last", "Moving pixels", "random", "no-op", "gym_pusht/PushT-v0", "torch", "settings: rate"):
        assert words in text
    assert "&lt;centre&gt;" in text
    assert "<centre>" not in text


def test_the_files_beside_it_can_be_opened(report, folder) -> None:
    names = {path.name for path in folder.iterdir()}
    assert {"report.html", "report.json", "prediction.png", "distance.png", "attempt_median.gif"} <= names
    frames = iio.imread(next(folder.glob("clip_*.gif")), index=None)
    assert len(frames) == 3 + 5  # context and horizon
    strip = iio.imread(io.BytesIO(next(folder.glob("clip_*.png")).read_bytes()))
    assert strip.ndim == 3


def test_the_json_holds_every_figure_of_the_tables(report, folder) -> None:
    saved = json.loads((folder / "report.json").read_text())
    assert saved == json.loads(json.dumps(report.to_json(), default=str))
    assert saved["prediction"]["scores"]["moving_psnr"]["5"]["count"] > 0
    assert saved["prediction"]["differences"]["psnr - copy_psnr"]["1"]["mean"] == 0
    assert saved["control"]["agents"]["random"]["remaining"]["count"] == 3
    assert "<centre> - random" in saved["control"]["differences"]
    assert saved["about"]["seed"] == "2"
    assert saved["training"]["steps"] == 1200


def test_printing_a_report_shows_the_tables_and_its_path(report, folder) -> None:
    text = str(report)
    assert "Prediction" in text
    assert "Goal-reaching in the real environment" in text
    assert text.endswith(f"Report: {folder / 'report.html'}")
    assert max(map(len, [line for table in report.tables() for line in table.text().splitlines()[:-1]])) <= 120


def test_a_world_that_only_copies_is_called_hardly_trained(copying_world, perfect_world, belt_data, tmp_path) -> None:
    report = evaluate(copying_world, belt_data, output=tmp_path, **QUICK)
    assert report.warning.startswith("The world is hardly trained: one step ahead it has ")
    assert f"Warning: {report.warning} Report: " in " ".join(str(report).split())
    assert json.loads((tmp_path / "report.json").read_text())["warning"] == report.warning
    assert report.warning in (tmp_path / "report.html").read_text()
    assert evaluate(perfect_world, belt_data, **QUICK).warning == ""


def test_without_agents_or_environment_only_the_prediction_is_measured(copying_world, belt_data) -> None:
    report = evaluate(copying_world, belt_data, **QUICK)
    assert report.control is None
    assert report.path is None
    assert "Report:" not in str(report)


def test_an_environment_without_a_task_is_scored_by_its_returns(perfect_world, belt_data, belt, tmp_path) -> None:
    report = evaluate(perfect_world, belt_data, env=belt, max_steps=40, output=tmp_path, **QUICK)
    assert isinstance(report.control, Returns)
    assert list(report.control.plays) == ["random", "no-op"]
    assert report.control.interval("no-op").mean == 1  # the belt's first action takes the bar home
    assert report.prediction.calibration is None or (tmp_path / "ends.png").exists()
    assert "Return in the real environment" in (tmp_path / "report.html").read_text()


def test_a_protocol_and_its_fields_as_settings_give_the_same_report(perfect_world, belt_data, belt) -> None:
    clips = {"num_clips": 4, "steps": (1,)}
    protocol = PlayProtocol(env=belt, max_steps=10, num_episodes=2, seed=5, progress=False)
    first = evaluate(perfect_world, belt_data, protocol=protocol.replace(seed=1), seed=5, **clips)
    second = evaluate(perfect_world, belt_data, env=belt, max_steps=10, num_episodes=2, seed=5, progress=False, **clips)
    for report in (first, second):
        assert isinstance(report.control, Returns)
        assert (report.control.seeds, report.control.max_steps) == ((5, 6), 10)
        assert report.about["seed"] == "5"
    assert first.to_json()["prediction"]["scores"] == second.to_json()["prediction"]["scores"]


def test_an_unknown_setting_is_refused(perfect_world, belt_data) -> None:
    with pytest.raises(TypeError, match=r"must be among env, task, .* got num_clip\."):
        evaluate(perfect_world, belt_data, num_clip=3)


class Predicting:
    """A policy in the manner of Stable-Baselines3, which sees uint8 pixels."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        self.seen.append(observation)
        return np.ones(len(observation), dtype=int), None


def test_a_policy_of_stable_baselines_is_accepted_as_an_agent(perfect_world, belt_data, belt) -> None:
    policy = Predicting()
    report = evaluate(perfect_world, belt_data, agents={"policy": policy}, env=belt, **QUICK)
    assert isinstance(report.control, Returns)
    assert list(report.control.plays) == ["policy", "random", "no-op"]
    assert policy.seen[0].dtype == np.uint8
    assert policy.seen[0].shape == (3, *perfect_world.image_size, 3)


class Seeking:
    """An agent that needs a goal."""

    needs_goal = True

    def reset(self, mask=None, seed=None, goal=None, context=None) -> None:
        pass

    def act(self, observation):
        raise AssertionError("It was asked to act.")


def test_an_agent_that_needs_goals_is_refused_where_none_are_set_before_anything_is_measured(
    pusht_world, pusht_data
) -> None:
    agents = {"seeker": Seeking()}
    with pytest.raises(ValueError, match="'seeker' needs goal images, and Pendulum-v1 has no goal task"):
        evaluate(pusht_world, pusht_data, agents=agents, env="Pendulum-v1", **QUICK)
    check_goals(agents, "gym_pusht/PushT-v0")  # sets goals
    check_goals({"other": Predicting()}, "Pendulum-v1")


def test_long_dreams_are_measured_on_request(pusht_world, pusht_data, tmp_path) -> None:
    report = evaluate(pusht_world, pusht_data, drift_steps=70, output=tmp_path, **QUICK)
    assert report.drift is not None
    assert report.drift.steps == (16, 64, 70)
    held_out = {entry.index for entry in pusht_data.split("test").entries}
    assert set(report.drift.windows[:, 0].tolist()) <= held_out
    assert report.drift.verdict(70) == "frozen", "the world repeats its last frame"
    for name in ("drift.png", "drift_frames.png"):
        assert iio.imread(tmp_path / name).shape[-1] == 4
    page = (tmp_path / "report.html").read_text()
    assert "Long dreams" in page
    assert "frozen by step 16" in page
    assert json.loads((tmp_path / "report.json").read_text())["drift"]["verdicts"]["70"] == "frozen"
    assert "Dreams frozen" in str(report)
    assert max(map(len, str(report).splitlines())) <= 120


def test_without_drift_steps_long_dreams_are_not_mentioned(copying_world, belt_data, tmp_path) -> None:
    report = evaluate(copying_world, belt_data, output=tmp_path, **QUICK)
    assert report.drift is None
    assert "Long dreams" not in str(report) + (tmp_path / "report.html").read_text()
    assert report.to_json()["drift"] is None
    with pytest.raises(ValueError, match="`drift_steps` must be at least 16, got 5"):
        evaluate(copying_world, belt_data, drift_steps=5, **QUICK)


def test_a_dataset_without_held_out_episodes_is_measured_and_named_so(copying_world, belt_data) -> None:
    assert "5 training episodes" in evaluate(copying_world, belt_data.split("train"), **QUICK).about["dataset"]


def test_the_recorded_environment_is_rebuilt_unless_another_is_named(pusht_data, belt_data, belt) -> None:
    assert resolve_env(None, pusht_data) == pusht_data.spec
    assert resolve_env("gym_pusht/PushT-v0", pusht_data) == pusht_data.spec
    assert resolve_env("gym_pusht:gym_pusht/PushT-v0", pusht_data) == pusht_data.spec
    assert resolve_env("CartPole-v1", pusht_data) == "CartPole-v1"
    assert resolve_env(belt, belt_data) is belt
    with pytest.raises(ValueError, match="`env` must name the real environment"):
        resolve_env(None, belt_data)


def test_an_environment_with_other_actions_is_refused(make_world, belt_data, belt) -> None:
    class Wider(belt):
        action_space = gym.spaces.Discrete(5)

    with pytest.raises(ValueError, match=r"`env` must have the world's action space, Discrete\(3\), got Discrete\(5\)"):
        evaluate(make_world(lambda frame, _: frame), belt_data, env=Wider, **QUICK)


def _tags(page: str) -> list[tuple[str, list]]:
    tags = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs) -> None:
            tags.append((tag, attrs))

    Reader().feed(page)
    return tags


def test_what_was_measured_is_printed_if_it_cannot_be_written(
    pusht_world, pusht_data, tmp_path, monkeypatch, capsys
) -> None:
    def full(path, content) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("vdworld.evaluation.report.report.write_file", full)
    settings = {"num_clips": 2, "steps": (1,), "progress": False}
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}/report/"):
        evaluate(pusht_world, pusht_data, output=tmp_path / "report", **settings)
    assert "PSNR" in capsys.readouterr().out
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file"):
        evaluate(pusht_world, pusht_data, output=tmp_path / "file", **settings)
    assert "PSNR" not in capsys.readouterr().out, "nothing is measured in vain"
