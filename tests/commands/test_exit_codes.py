"""A user error is one line and exit code 2; a benchmark that failed in part exits with 1."""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium as gym
import pytest

from vdworld.benchmarks import sizes
from vdworld.cli import main
from vdworld.commands import train
from vdworld.commands.runner import run_verb

TRAIN = ["data=data/pusht", "output=runs/pusht"]


def fail_with(monkeypatch, error):
    def run(config):
        raise error

    monkeypatch.setattr(train, "run", run)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("`batch_size` must be positive, got 0."),
        FileNotFoundError("`data` must be a dataset folder, got data/pusht."),
        ImportError('The package `av` is required for this. Install it: pip install "vdworld[data]"'),
        gym.error.NameNotFound("Environment `Pushed` doesn't exist."),
    ],
)
def test_a_user_error_is_one_line(error, monkeypatch, capsys):
    fail_with(monkeypatch, error)
    assert run_verb("train", TRAIN) == 2
    assert capsys.readouterr().err == f"vdworld train: error: {error}\n"


def test_an_error_shows_where_it_came_from_when_asked(monkeypatch):
    fail_with(monkeypatch, ValueError("no"))
    monkeypatch.setenv("VDWORLD_TRACEBACK", "1")
    with pytest.raises(ValueError, match="no"):
        run_verb("train", TRAIN)


def test_a_bug_is_never_hidden(monkeypatch):
    fail_with(monkeypatch, RuntimeError("sizes of tensors must match"))
    with pytest.raises(RuntimeError, match="sizes of tensors"):
        run_verb("train", TRAIN)


def test_ctrl_c_says_so_and_exits_as_shells_expect(monkeypatch, capsys):
    fail_with(monkeypatch, KeyboardInterrupt())
    assert run_verb("train", TRAIN) == 130
    assert capsys.readouterr().err.strip() == "vdworld train: interrupted."


@dataclass(frozen=True)
class Result:
    """The result of a benchmark, one part of which may have failed."""

    failed: bool

    def to_json(self):
        return {}


def test_a_benchmark_of_which_a_part_failed_exits_with_1_also_in_a_sweep(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sizes, "run", lambda image_size, context_length: Result(failed=image_size == 32))
    codes = {words: main(["benchmark", "sizes", *words.split()]) for words in ("image_size=32", "image_size=64")}
    assert codes == {"image_size=32": 1, "image_size=64": 0}
    assert main(["benchmark", "sizes", "-m", "image_size=32,64", f"output={tmp_path}"]) == 1
    assert main(["benchmark", "sizes", "-m", "image_size=16,64", f"output={tmp_path}"]) == 0
    assert capsys.readouterr().err == ""
