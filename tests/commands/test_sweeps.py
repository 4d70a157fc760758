"""A sweep runs every combination of values, or none if one is wrong."""

from __future__ import annotations

import pytest

from vdworld.commands import benchmark
from vdworld.commands.runner import run_verb

TRAIN = ["data=data/pusht", "output=runs/pusht"]


@pytest.mark.parametrize("flag", ["-m", "--multirun"])
def test_a_sweep_runs_every_combination_wherever_its_flag_stands(runs, flag, capsys):
    assert run_verb("train", ["data=a", flag, "output=runs/${seed}", "seed=1,2", "trainer.max_steps=3,4"]) == 0
    assert [(c.seed, c.trainer.max_steps, c.output) for c in runs] == [
        (1, 3, "runs/1"),
        (1, 4, "runs/1"),
        (2, 3, "runs/2"),
        (2, 4, "runs/2"),
    ]
    assert capsys.readouterr().out.count("vdworld train") == 4


def test_the_name_of_a_configuration_may_stand_anywhere_and_be_swept_over(monkeypatch, capsys):
    runs = []
    monkeypatch.setattr(benchmark, "run", lambda config, name: runs.append((name, config.image_size)))
    assert run_verb("benchmark", ["-m", "image_size=32,64", "sizes"]) == 0
    assert runs == [("sizes", 32), ("sizes", 64)]
    assert capsys.readouterr().out.startswith("[0] vdworld benchmark sizes image_size=32\n")


def test_two_values_without_a_sweep_are_explained(runs, capsys):
    assert run_verb("train", [*TRAIN, "seed=1,2"]) == 2
    message = "`seed` must be one value, got 1,2. Add -m to run every value, or write a list: seed=[1,2]."
    assert capsys.readouterr().err == f"vdworld train: error: {message}\n"
    assert runs == []


@pytest.mark.parametrize(
    ("words", "seeds"),
    [
        (["seed=range(3)"], [0, 1, 2]),
        (["seed=choice(4,2)"], [4, 2]),
        (["seed=5"], [5]),
        (["seed=1,2", "seed=3"], [3, 3]),
    ],
)
def test_a_sweep_takes_hydra_s_grammar(runs, words, seeds):
    assert run_verb("train", [*TRAIN, "-m", *words]) == 0
    assert [config.seed for config in runs] == seeds


def test_a_sweep_goes_over_the_options_of_a_group(runs, capsys):
    assert run_verb("train", [*TRAIN, "-m", "network=glob(*unet)", "process=flow,vp"]) == 0
    targets = [(config.network._target_, config.process._target_) for config in runs]
    names = [(network.rpartition(".")[2], process.rpartition(".")[2]) for network, process in targets]
    assert names == [
        (network, process)
        for network in ("StackedUNet", "VideoUNet")
        for process in ("RectifiedFlow", "VariancePreserving")
    ]
    assert "[0] vdworld train data=data/pusht output=runs/pusht network=unet process=flow\n" in capsys.readouterr().out


def test_a_sweep_knows_the_number_of_its_job(runs):
    assert run_verb("train", ["data=a", "-m", "output=runs/${hydra:job.num}", "seed=7,8"]) == 0
    assert [(config.seed, config.output) for config in runs] == [(7, "runs/0"), (8, "runs/1")]


def test_no_job_of_a_sweep_runs_when_one_can_t_be_composed(runs, capsys):
    assert run_verb("train", [*TRAIN, "-m", "world=tiny,huge"]) == 2
    assert "`world` must be one of base, small, tiny, got huge." in capsys.readouterr().err
    assert run_verb("train", [*TRAIN, "-m", "seed=interval(0,1)"]) == 2
    assert "`seed` must have a finite number of values in a sweep, got interval(0,1)." in capsys.readouterr().err
    assert runs == []
