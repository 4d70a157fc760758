"""``vdworld benchmark NAME`` measures, prints and writes, with the smallest settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from tests.benchmarks.peers.fake_diamond import write_checkout
from vdworld.benchmarks import few_steps, grid, sizes
from vdworld.benchmarks.grid import NETWORKS, PROCESSES
from vdworld.cli import main
from vdworld.data import EpisodeWriter
from vdworld.networks import SIZES

QUICK = ["minutes=0.001", "num_clips=2", "repeats=1", "seconds=0", "device=cpu"]


def run(*words: str) -> int:
    return main(["benchmark", *words])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with EpisodeWriter(tmp_path / "data", fps=5, action_space=gym.spaces.Discrete(2)) as writer:
        for _ in range(6):
            writer.add(rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8), rng.integers(0, 2, 11))
    return tmp_path / "data"


@pytest.mark.slow
def test_few_steps_compares_worlds_with_and_without_shortcuts(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(few_steps, "NUM_STEPS", 120)
    words = ["few_steps", f"data={data}", f"output={tmp_path / 'out'}", "num_draws=6", *QUICK]
    assert run(*words) == 0
    text = capsys.readouterr().out
    figures: dict[str, Any] = json.loads((tmp_path / "out/few_steps.json").read_text())
    for part in ("70:30", "40:30:20:10", "clips"):
        names = ["without shortcuts", "with shortcuts", "with shortcuts, consistency sampling"]
        assert [world["name"] for world in figures[part]] == names
        for world in figures[part]:
            steps = ["1", "2", "4"] if "consistency" in world["name"] else ["1", "2", "4", "32"]
            assert list(world["clips" if part == "clips" else "outcomes"]) == steps
    assert "largest error, points" in text
    assert "Held-out clips" in text
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("model.safetensors")}
    assert len(written) == 6
    assert run(*words) == 0
    assert {path: path.stat().st_mtime_ns for path in written} == written  # nothing was trained again


def test_grid_trains_every_process_with_every_network(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = {name: NETWORKS[name] for name in ("unet", "video_unet")}
    processes = dict(list(PROCESSES.items())[::2])  # all of them together are trained in test_combinations
    monkeypatch.setattr(grid, "NETWORKS", networks)
    monkeypatch.setattr(grid, "PROCESSES", processes)
    assert run("grid", f"data={data}", f"output={tmp_path / 'out'}", *QUICK) == 0
    entries = json.loads((tmp_path / "out/grid.json").read_text())["entries"]
    assert {(e["process"], e["network"]) for e in entries} == {(p, n) for p in processes for n in networks}
    text = capsys.readouterr().out
    assert all(f"{process}, {network}" in text for process in processes for network in networks)
    assert "copy the last frame" in text


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("few_steps", ["output"]),
        ("grid", ["data", "output"]),
        ("contest", ["data", "output", "peer"]),
        ("uncertainty", ["data", "world"]),
        ("dream_vs_real", ["data", "world"]),
        ("planning", ["data", "world"]),
    ],
)
def test_what_a_benchmark_needs_is_named(name: str, keys: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name) == 2
    needed = " and ".join(f"`{key}`" for key in keys)
    example = " ".join(f"{key}=..." for key in keys)
    message = f"vdworld benchmark: error: {needed} must be given, as in `vdworld benchmark {name} {example}`.\n"
    assert capsys.readouterr().err == message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sizes", "peer=/nonexistent"], "there is no key 'peer'."),
        (["dream_vs_real", "learning.num_steps=8"], "there is no key 'learning.num_steps'. Did you mean num_steps?"),
        (["dream_vs_real", "learning.settings={{a: 1}}"], "Did you mean learner_settings?"),
        (["speed", "repeats=often"], "`repeats` must be a whole number, got 'often'."),
        (["speed", "batch_sizes=[a]"], "Every element of `batch_sizes` must be a whole number, got ['a']."),
        (["speed", "batch_sizes=[0]"], "`batch_sizes` must hold whole numbers from 1, got [0]."),
        (["speed", "execution.compile=maybe"], "`compile` must be true or false, got 'maybe'."),
        (["scaling", "image_sizes=[0]"], "`image_sizes` must hold whole numbers from 1, got [0]."),
        (["few_steps", "output={0}/out", "num_draws=0"], "`num_draws` must be at least 1, got 0."),
        (["few_steps", "output={0}/out", "data={0}/nothing"], "{0}/nothing"),
        (["grid", "output={0}/out", "data={0}/nothing"], "{0}/nothing"),
        (
            ["dream_vs_real", "world={0}", "data={0}", "learner_settings={{horizn: 2}}"],
            "LearningSettings has no argument horizn.",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_computed(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*(word.format(tmp_path) for word in words)) == 2
    error = capsys.readouterr().err
    assert message.format(tmp_path) in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_sizes_lists_every_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "SIZES", {"tiny": SIZES["tiny"]})
    assert run("sizes", "image_size=32", f"output={tmp_path}") == 0
    text = capsys.readouterr().out
    for name in ("tiny", "StackedUNet", "VideoUNet", "Transformer", "DiamondUNet"):
        assert name in text
    figures = json.loads((tmp_path / "sizes.json").read_text())
    assert figures["benchmark"] == "sizes"
    assert {row["network"] for row in figures["rows"]} == set(SIZES["tiny"])


def test_env_overhead_times_both_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["image_size=16", "batch_sizes=[2]", "repeats=1", "seconds=0", "device=cpu", f"output={tmp_path}"]
    assert run("env_overhead", *words) == 0
    assert "overhead" in capsys.readouterr().out
    figures = json.loads((tmp_path / "env_overhead.json").read_text())
    assert figures["benchmark"] == "env_overhead"
    assert [(row["batch_size"], row["output"]) for row in figures["rows"]] == [(2, "numpy"), (2, "torch")]


def test_planner_overhead_measures_a_fresh_world(tmp_path: Path) -> None:
    assert run("planner_overhead", "image_size=16", "batch_sizes=[1]", "repeats=1", f"output={tmp_path}") == 0
    figures = json.loads((tmp_path / "planner_overhead.json").read_text())
    assert figures["benchmark"] == "planner_overhead"
    assert {row["lanes"] for row in figures["rows"]} == {1}


def test_scaling_draws_a_plot_of_the_axes_that_are_not_empty(tmp_path: Path) -> None:
    words = ["batches=[1,2]", "image_sizes=[]", "context_lengths=[]", "dream_lengths=[]", "image_size=16"]
    assert run("scaling", *words, f"output={tmp_path}") == 0
    figures = json.loads((tmp_path / "scaling.json").read_text())
    assert figures["benchmark"] == "scaling"
    assert [(row["axis"], row["at"]) for row in figures["rows"]] == [("batch", 1), ("batch", 2)]
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")


def test_speed_takes_turns_with_a_peer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_checkout(tmp_path / "diamond")
    words = ["speed", f"peer={tmp_path / 'diamond'}", "image_size=16", "batch_sizes=[1,2]", "num_sampling_steps=[1,2]"]
    assert run(*words, "repeats=2", "seconds=0", "device=cpu", f"output={tmp_path / 'out'}") == 0
    rows = json.loads((tmp_path / "out/speed.json").read_text())["rows"]
    assert [(row["batch_size"], row["num_sampling_steps"]) for row in rows] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    for row in rows:
        assert row["ratio"]["low"] == min(a / b for a, b in zip(row["ours"], row["peer"], strict=True))
    text = capsys.readouterr().out
    assert "DIAMOND" in text
    assert "batch 2, 2 sampling steps" in text
    assert (tmp_path / "out/speed.png").is_file()
