"""A command gets the configuration that was typed, and records its words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from vdworld.commands import train
from vdworld.commands.config_search import compose_config, config_names
from vdworld.commands.runner import run_verb
from vdworld.evaluation.provenance import provenance

TRAIN = ["data=data/pusht", "output=runs/pusht"]


def test_a_command_gets_what_was_typed_and_the_defaults_for_the_rest(runs):
    assert run_verb("train", [*TRAIN, "trainer.max_steps=7", "seed=3"]) == 0
    (config,) = runs
    assert (config.data, config.output, config.seed, config.trainer.max_steps) == ("data/pusht", "runs/pusht", 3, 7)
    assert config.resume is False


@pytest.mark.parametrize("arguments", [TRAIN, [*TRAIN, "-m", "seed=1,2"], ["--cfg", "job"], ["--help"]])
def test_no_run_leaves_files_of_hydra_s_behind(runs, arguments):
    assert run_verb("train", arguments) == 0
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("path", ["a=b", "a (1)", "it's", "ä/ö", "[1", "C:\\x", "a{b"])
def test_a_path_may_hold_any_character(runs, path):
    assert run_verb("train", [f"data={path}", "output=o"]) == 0
    assert runs[0].data == path


def test_a_path_may_start_at_home_and_look_like_a_number(runs, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert run_verb("train", ["data=~/pusht", "output=2026"]) == 0
    assert (runs[0].data, runs[0].output) == ("/home/ada/pusht", "2026")


def test_a_command_records_the_words_that_were_typed(monkeypatch):
    records, words = [], [*TRAIN, "-m", "seed=1,2"]
    monkeypatch.setattr(train, "run", lambda config: records.append((provenance()["command"], list(sys.argv))))
    before = list(sys.argv)
    assert run_verb("train", words) == 0
    assert records == [(" ".join(["vdworld", "train", *words]), before)] * 2
    assert provenance()["command"] != records[0][0]


def test_a_verb_with_several_configurations_lists_them_and_the_keys_of_each(capsys):
    for arguments in ([], ["--help"]):
        assert run_verb("benchmark", arguments) == 0
        lines = capsys.readouterr().out.splitlines()
        for name, line in config_names("benchmark").items():
            assert line
            assert [listed for listed in lines if listed.split()[:1] == [name]] == [f"  {name:<16}  {line}"]
    assert run_verb("benchmark", ["sizes", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"vdworld benchmark sizes: {config_names('benchmark')['sizes']}\n")
    assert "\n  image_size: 64" in text
    assert "num_draws" not in text


def test_cfg_job_prints_the_configuration_of_every_job_and_runs_none(runs, capsys):
    assert run_verb("train", ["data=a", "output=runs/${seed}", "--cfg", "job", "-m", "seed=1,2"]) == 0
    text = capsys.readouterr().out
    assert text.count("output: runs/${seed}\n") == 2
    assert "# [1] vdworld train data=a output=runs/${seed} seed=2\n" in text
    assert run_verb("train", ["-c", "job"]) == 0
    assert OmegaConf.create(capsys.readouterr().out) == compose_config("train")
    assert runs == []


def test_keys_can_be_added_and_removed(runs):
    assert run_verb("train", [*TRAIN, "+network.extra=1", "~trainer.shortcut"]) == 0
    assert runs[0].network.extra == 1
    assert "shortcut" not in runs[0].trainer
