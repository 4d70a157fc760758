"""``vdworld benchmark contest``, once through with a checkout that the test writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import pytest

from tests.benchmarks.peers.fake_diamond import write_checkout
from vdworld.benchmarks import contest_training
from vdworld.cli import main

QUICK = ["minutes=1e-9", "num_clips=3", "steps=[1,2]", "batch_sizes=[1,2]", "repeats=2", "seconds=0", "device=cpu"]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Return a folder with a dataset in ``data``, a fake checkout in ``diamond`` and a finished contest in ``done``."""
    folder = tmp_path_factory.mktemp("home")
    if "vdworld-test/Counter-v0" not in gym.registry:
        gym.register("vdworld-test/Counter-v0", entry_point="vdworld.envs.games.scripted:CounterEnv")
    settings = ["num_steps=90", "max_episode_steps=12", "test_fraction=0.4"]
    assert main(["record", "env=vdworld-test/Counter-v0", f"output={folder}/data", *settings]) == 0
    write_checkout(folder / "diamond")
    assert main(words(folder, "done")) == 0
    return folder


def words(home: Path, output: str, *more: str) -> list[str]:
    folders = [f"data={home}/data", f"peer={home}/diamond", f"output={home}/{output}"]
    return ["benchmark", "contest", *folders, *QUICK, *more]


def says(capsys, code: int, arguments: list[str]) -> str:
    """Run a verb that must end with `code`; return what it printed, or its error."""
    capsys.readouterr()
    assert main(arguments) == code
    printed = capsys.readouterr()
    return printed.out if code == 0 else printed.err.splitlines()[-1]


def figures(home: Path, output: str) -> dict:
    return json.loads((home / output / "contest.json").read_text())


def test_both_train_and_are_measured_and_all_of_it_is_kept(home):
    result = figures(home, "done")
    assert (result["num_clips"], result["steps"]) == (3, [1, 2])
    assert [(row["batch_size"], len(row["ours"]), len(row["peer"])) for row in result["speed"]] == [
        (1, 2, 2),
        (2, 2, 2),
    ]
    assert result["training"]["ours"]["dataset"] == result["training"]["peer"]["dataset"]
    assert (
        result["training"]["ours"]["settings"]["max_minutes"] == result["training"]["peer"]["settings"]["max_minutes"]
    )
    assert result["notes"].endswith("Its learning rate rises over 100 steps, of which it had time for 1.")
    assert result["about"]["command"].startswith("vdworld benchmark contest data=")
    assert (home / "done" / "world" / "config.json").is_file()


def test_a_finished_contest_is_measured_again_without_training(home, capsys, monkeypatch):
    def train_again(*arguments, **settings):
        raise AssertionError("the peer is trained already")

    monkeypatch.setattr(contest_training, "train_diamond", train_again)
    weights = (home / "done" / "peer.safetensors").read_bytes()
    before = figures(home, "done")["prediction"]
    text = says(capsys, 0, words(home, "done", "resume=true"))
    assert "vdworld - DIAMOND" in text
    assert figures(home, "done")["prediction"]["psnr"] == before["psnr"]
    assert (home / "done" / "peer.safetensors").read_bytes() == weights


def test_a_trained_world_takes_the_place_of_a_new_one(home, capsys):
    says(capsys, 0, words(home, "other", f"ours={home}/done/world"))
    assert figures(home, "other")["training"]["ours"] == figures(home, "done")["training"]["ours"]
    assert not (home / "other" / "world").exists()


def test_a_world_with_a_longer_context_is_shown_the_same_frames_as_the_peer(home, capsys, tmp_path):
    small = ["trainer.max_steps=1", "trainer.batch_size=2", "network.width=16", "network.coarse_width=32"]
    train = ["train", f"data={home}/data", f"output={tmp_path}/world", "network.context_length=6", *small]
    assert main(train) == 0
    says(capsys, 0, words(home, "longer", f"ours={tmp_path}/world"))
    assert figures(home, "longer")["num_clips"] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["peer=null"], "`peer` must be text, got None."),
        (["peer={0}/data"], "got {0}/data. Get it: git clone https://github.com/eloialonso/diamond"),
        (["output={0}/done"], "which holds peer.safetensors and world and contest.json. Continue with resume=true"),
        (["output={0}/done", "resume=true", "minutes=0.01"], "must be 1e-09, as {0}/done/peer.safetensors was trained"),
        (["minutes=x"], "`minutes` must be a number, got 'x'."),
        (["ours={0}/nothing"], "There is no world at"),
        (["batch_sizes=[0]"], "`batch_sizes` must hold whole numbers from 1, got [0]"),
        (["steps=[50]"], "`dataset` must hold an episode of 50 steps after the context"),
        (["num_clips=0"], "`num_clips` must be at least 1, got 0"),
        (["repeats=0"], "`repeats` must be at least 1, got 0"),
    ],
)
def test_what_can_t_be_done_is_said_in_one_line(home, capsys, changes, message):
    line = says(capsys, 2, words(home, "refused", *(change.format(home) for change in changes)))
    assert line.startswith("vdworld benchmark: error: ")
    assert message.format(home) in line
    assert not (home / "refused" / "peer.safetensors").exists()  # nothing was trained in vain
    assert not (home / "refused" / "world").exists()
