"""The whole check is rehearsed on the CPU; a part that fails is reported and stops no other."""

from __future__ import annotations

import inspect
import json
import os
import sys
import traceback
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

import vdworld.configs
from vdworld.benchmarks.gpu import check, run, test_suite
from vdworld.benchmarks.gpu.__main__ import main, parse_value
from vdworld.benchmarks.gpu.isolation import Outcome


def run_here(function, *arguments, seconds, modules=()):
    """Do as ``run_isolated``, without the time that starting a process takes."""
    try:
        return Outcome("done", function(*arguments))
    except Exception:
        return Outcome("failed", message=traceback.format_exc())


@pytest.mark.parametrize("apart", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_whole_check_is_rehearsed_on_the_cpu_and_a_part_that_fails_stops_no_other(tmp_path, monkeypatch, apart):
    if not apart:
        monkeypatch.setattr(check, "run_isolated", run_here)
        monkeypatch.setattr(test_suite, "test_files", lambda folder: [folder / "test_devices.py"])
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
    assert parts["tests"]["figures"]["collected"] >= 9  # marked gpu
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
