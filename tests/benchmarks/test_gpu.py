"""The GPU check runs on the CPU as a rehearsal, reports what fails, and says what is missing."""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

import vdworld.configs
from vdworld.benchmarks.gpu import check, needs, rates, run
from vdworld.benchmarks.gpu.__main__ import main, parse_value
from vdworld.benchmarks.gpu.bundle import copy_peer
from vdworld.benchmarks.gpu.clips import bounce_episodes, write_pictures
from vdworld.benchmarks.gpu.isolation import NotRunError, Outcome, run_apart
from vdworld.benchmarks.gpu.page import Part, markdown, overview, page
from vdworld.benchmarks.gpu.report import GpuReport
from vdworld.benchmarks.gpu.settings import GpuSettings, PartResult
from vdworld.benchmarks.gpu.test_suite import summary, test_files
from vdworld.benchmarks.gpu.training import carried, train_on_clips
from vdworld.data import ClipSampler, load_dataset
from vdworld.evaluation.report.table import Table

SETTINGS = GpuSettings(
    device="cpu",
    presets=("tiny",),
    batch_sizes=(1,),
    num_sampling_steps=(1, 2),
    repeats=1,
    seconds=0.0,
    peer=None,
    clips=Path("none"),
    train_preset="tiny",
    train_minutes=3.0,
    train_steps=None,
    num_clips=4,
    seed=0,
)


def run_here(function, *arguments, seconds, modules=()):
    """Do as ``run_apart``, without the time that starting a process takes."""
    try:
        return Outcome("done", function(*arguments))
    except Exception:
        return Outcome("failed", message=traceback.format_exc())


@pytest.mark.parametrize("apart", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_whole_check_is_rehearsed_on_the_cpu_and_a_part_that_fails_stops_no_other(tmp_path, monkeypatch, apart):
    if not apart:
        monkeypatch.setattr(check, "run_apart", run_here)
    output, clips = tmp_path / "out", tmp_path / "none"
    words = [
        "device=cpu",
        "quick=true",
        f"output={output}",
        f"clips={clips}",
        f"peer={tmp_path}",
        "seed=3",
        "minutes=60",
    ]
    assert main(words) == 1
    report = json.loads((output / "gpu.json").read_text())
    parts = {part["name"]: part for part in report["parts"]}
    assert {name: part["status"] for name, part in parts.items()} == {
        "tests": "done",
        "speed": "done",
        "diamond": "failed",
        "train_bounce": "done",
    }
    assert report["failed"] is True
    assert report["about"]["seed"] == "3"
    assert parts["tests"]["figures"]["collected"] >= 9
    assert "`peer` must be a folder with DIAMOND's own code" in parts["diamond"]["message"]
    rows = parts["speed"]["figures"]["rows"]
    assert [(row["batch_size"], row["num_sampling_steps"]) for row in rows] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert all(row["frames_per_second"]["median"] > 0 for row in rows)
    assert all(0 < row["share_of_ceiling"] < 1 for row in rows)
    trained = parts["train_bounce"]["figures"]
    assert trained["training"]["steps"] == 2
    assert {"1", "5", "10", "20"} == set(trained["prediction"]["scores"]["copy_moving_psnr"])
    html = (output / "gpu.html").read_text()
    assert html.count("data:image/png;base64,") >= 1
    for word in ("Imagined frames per second: tiny", "Prediction: bounce", "Traceback", "copy last", "gymnasium"):
        assert word in html
    assert not any(f'{attribute}="http' in html for attribute in ("src", "href"))
    assert "| batch 2, 2 sampling steps |" in (output / "gpu.md").read_text()
    assert {path.name for path in output.iterdir()} == {"gpu.json", "gpu.html", "gpu.md", "bounce_typical.png"}


def test_without_a_gpu_the_check_says_how_to_rehearse(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([f"output={tmp_path / 'out'}"]) == 2
    assert "device=cpu quick=true" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_unknown_setting_is_refused(capsys):
    with pytest.raises(SystemExit) as error:
        main(["devise=cpu"])
    assert error.value.code == 2
    assert "'devise=cpu'" in capsys.readouterr().err


def test_the_yaml_file_holds_the_defaults():
    config = OmegaConf.load(Path(vdworld.configs.__file__).parent / "benchmark" / "gpu.yaml")
    defaults = {name: parameter.default for name, parameter in inspect.signature(run).parameters.items()}
    assert OmegaConf.to_container(config) == {k: list(v) if isinstance(v, tuple) else v for k, v in defaults.items()}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("null", None),
        ("2.5", 2.5),
        ("[1, 32]", [1, 32]),
        ("[tiny,small]", ["tiny", "small"]),
        ("build/gpu", "build/gpu"),
    ],
)
def test_settings_read_as_in_yaml(text, value):
    assert parse_value(text) == value


def test_what_is_needed_for_everything_covers_the_check_s_own_imports():
    """The packages that the check imports before any part begins."""
    code = "import sys, vdworld.benchmarks.gpu; print(*{name.partition('.')[0] for name in sys.modules})"
    modules = set(os.popen(f'"{sys.executable}" -c "{code}"').read().split())
    assert "torch" in modules
    assert not modules & {
        "av",
        "hydra",
        "omegaconf",
        "pyarrow",
        "matplotlib",
        "gym_pusht",
        "ale_py",
        "pygame",
        "pandas",
    }


def test_a_part_in_its_own_process_returns_fails_hangs_or_dies_alone():
    assert run_apart(pow, 2, 5, seconds=60).result == 32
    failed = run_apart(int, "x", seconds=60)
    assert failed.status == "failed"
    assert "ValueError: invalid literal" in failed.message
    began = time.monotonic()
    assert run_apart(time.sleep, 600, seconds=0.1).status == "out of time"
    assert time.monotonic() - began < 300
    died = run_apart(os._exit, 7, seconds=60)
    assert (died.status, died.message) == ("failed", "The process died with exit code 7.")


def test_parts_that_are_left_out_do_not_fail_the_check():
    parts = tuple(Part(status, status, Outcome(status)) for status in ("done", "not run"))
    assert not GpuReport(parts, {}, "").failed
    for status in ("failed", "out of time"):
        assert GpuReport((*parts, Part("x", "x", Outcome(status))), {}, "").failed


def test_failing_tests_fail_their_part_and_stand_on_the_page(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="tests.a" name="one" time="1.25"/>'
        '<testcase classname="tests.a" name="two" time="0"><failure message="m">E  4 &lt; 5</failure></testcase>'
        "</testsuite></testsuites>"
    )
    part = Part("tests", "Tests", Outcome("done", summary(report)))
    assert part.status == "failed"
    assert part.result.tables[0].rows == (("a: one", "passed", "1.2 s"), ("a: two", "failed", "0.0 s"))
    assert "E  4 &lt; 5" in page([part], {}, "")
    assert "E  4 < 5" in markdown([part], {})


def test_the_overview_shows_the_last_line_of_a_traceback():
    trouble = "Traceback (most recent call last):\n  File\nValueError: no\n"
    assert overview([Part("x", "X", Outcome("failed", message=trouble, seconds=2.0))]).rows == (
        ("X", "failed", "2 s", "ValueError: no"),
    )


def test_a_markdown_table_keeps_its_columns():
    result = PartResult((Table("Title", ("", "a|b"), (("group",), ("row", "1"))),))
    lines = markdown([Part("x", "X", Outcome("done", result))], {}).splitlines()
    assert {"|  | a b |", "| group |  |", "| row | 1 |"} <= set(lines)


def test_the_files_with_gpu_tests_are_found():
    names = {path.name for path in test_files(needs.ROOT / "tests")}
    assert {"test_execution.py", "test_devices.py"} <= names


def test_a_combination_that_fails_leaves_the_figures_of_the_others(monkeypatch):
    measure = rates.measure_speed

    def fails_alone(world, *, batch_sizes, **settings):
        if batch_sizes == [1]:
            raise RuntimeError("no kernel")
        return measure(world, batch_sizes=batch_sizes, **settings)

    monkeypatch.setattr(rates, "measure_speed", fails_alone)
    result = rates.measure_rates(replace(SETTINGS, batch_sizes=(1, 2), num_sampling_steps=(1,)), seconds=60.0)
    assert [row.get("why") for row in result.figures["rows"]] == ["failed", None]
    assert "RuntimeError: no kernel" in result.problem


def test_combinations_that_do_not_fit_say_why(monkeypatch):
    def too_large(*_, **__):
        raise RuntimeError("This world's step can't be recorded as a CUDA graph: CUDA out of memory.")

    rows = rates.measure_rates(SETTINGS, seconds=-1.0).figures["rows"]
    assert [row["why"] for row in rows] == ["not run: no time left"] * 2
    monkeypatch.setattr(rates, "measure_speed", too_large)
    result = rates.measure_rates(SETTINGS, seconds=60.0)
    assert [row["why"] for row in result.figures["rows"]] == ["not run: out of memory"] * 2
    assert result.tables[0].rows[0] == ("batch 1, 1 sampling step", "not run: out of memory", "-", "-", "-")


def test_training_is_left_out_where_there_is_no_time_for_it():
    with pytest.raises(NotRunError, match="20 seconds were left, and it takes 35"):
        train_on_clips(SETTINGS, 20.0, "pusht")


def test_carried_clips_are_the_recorded_ones_and_need_no_video_decoder(monkeypatch, tmp_path):
    episodes = bounce_episodes()
    write_pictures(tmp_path / "bounce", episodes, fps=10, action_space=gym.spaces.Discrete(3))
    monkeypatch.setitem(sys.modules, "av", None)
    assert carried(tmp_path) == ["bounce"]
    dataset = load_dataset(tmp_path / "bounce")
    assert (dataset.fps, dataset.action_space, dataset.image_size) == (10, gym.spaces.Discrete(3), (32, 32))
    for read, made in zip(dataset, episodes, strict=True):
        assert read.split == made.split
        for name in ("actions", "rewards", "terminated", "truncated"):
            assert np.array_equal(getattr(read, name), getattr(made, name)), name
        assert np.array_equal(read.frames["image"], made.frames["image"])
    sampler = ClipSampler(dataset.split("train"), context_length=2, horizon=3)
    clip = sampler.at([2], [4])
    assert np.array_equal(clip.frames[0].movedim(1, -1).numpy(), episodes[2].frames["image"][3:8])
    with pytest.raises(FileExistsError, match="must be new or empty"):
        write_pictures(tmp_path / "bounce", episodes, fps=10, action_space=gym.spaces.Discrete(3))


def test_a_peer_s_sources_travel_with_their_licence(tmp_path):
    with pytest.raises(ValueError, match="`peer` must be a folder with DIAMOND's own code"):
        copy_peer(tmp_path, tmp_path / "copy")
    (tmp_path / "src" / "models" / "diffusion").mkdir(parents=True)
    (tmp_path / "src" / "models" / "diffusion" / "denoiser.py").write_text("")
    (tmp_path / "LICENSE").write_text("MIT")
    copy_peer(tmp_path, tmp_path / "copy")
    assert (tmp_path / "copy" / "src" / "models" / "diffusion" / "denoiser.py").is_file()
    assert (tmp_path / "copy" / "LICENSE").is_file()
    assert (tmp_path / "copy" / "COMMIT").read_text() == "unknown\n"
