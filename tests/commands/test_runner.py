"""A command gets the configuration that was typed; its errors become one line and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import gymnasium as gym
import pytest
from omegaconf import OmegaConf

from vdworld.commands import benchmark, train
from vdworld.commands.config_search import compose_config, config_names
from vdworld.commands.runner import run_verb
from vdworld.commands.user_errors import leaves
from vdworld.evaluation.provenance import provenance

TRAIN = ["data=data/pusht", "output=runs/pusht"]


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Stand in for ``vdworld train``: keep the configurations that it was run with, in an empty folder."""
    configs = []
    monkeypatch.setattr(train, "run", configs.append)
    monkeypatch.chdir(tmp_path)
    return configs


def fail_with(monkeypatch, error):
    def run(config):
        raise error

    monkeypatch.setattr(train, "run", run)


def test_a_command_gets_what_was_typed_and_the_defaults_for_the_rest(runs):
    assert run_verb("train", [*TRAIN, "trainer.max_steps=7", "seed=3"]) == 0
    (config,) = runs
    assert (config.data, config.output, config.seed, config.trainer.max_steps) == ("data/pusht", "runs/pusht", 3, 7)
    assert config.resume is False


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["output=o"], "`data` must be given, as in `vdworld train data=...`."),
        ([*TRAIN, "trainer.max_stpes=1"], "there is no key 'trainer.max_stpes'. Did you mean trainer.max_steps?"),
        ([*TRAIN, "max_steps=1"], "there is no key 'max_steps'. Did you mean trainer.max_steps?"),
        ([*TRAIN, "trainer={max_stpes: 1}"], "there is no key 'trainer.max_stpes'. Did you mean trainer.max_steps?"),
        ([*TRAIN, "trainer={hiding: {stains: 1}}"], "`trainer.hiding` is now called `trainer.corruption`."),
        ([*TRAIN, "zzz=1"], "there is no key 'zzz'. `vdworld train --help` lists the keys."),
        ([*TRAIN, "wrld=tiny"], "there is no key 'wrld'. Did you mean world?"),
        ([*TRAIN, "world=runs/pusht"], "`world` must be one of base, small, tiny, got runs/pusht."),
        ([*TRAIN, "pusht"], "expected key=value, got 'pusht'. `vdworld train --help` lists the keys."),
    ],
)
def test_what_was_mistyped_is_named(runs, arguments, message, capsys):
    assert run_verb("train", arguments) == 2
    assert capsys.readouterr().err == f"vdworld train: error: {message}\n"
    assert runs == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seed=1"], "`vdworld benchmark` needs a name, as in `vdworld benchmark contest`. The names are contest, "),
        (["sped"], "there is no benchmark 'sped'. Did you mean speed? The names are contest, dream_vs_real, "),
        (["sped", "--help"], "there is no benchmark 'sped'. Did you mean speed?"),
        (["zzz"], "there is no benchmark 'zzz'. The names are contest, dream_vs_real, "),
        (["envs"], "benchmark 'envs' is now called 'env_overhead'."),
        (["growth"], "benchmark 'growth' is now called 'scaling'."),
        (["dreaming"], "benchmark 'dreaming' is now called 'dream_vs_real'."),
        (["planners"], "benchmark 'planners' is now called 'planner_overhead'."),
        (["name=speed"], "`name` is no longer a key. Type the name alone: `vdworld benchmark speed`."),
        (["name=envs"], "`name` is no longer a key. Type the name alone: `vdworld benchmark env_overhead`."),
        (["sizes", "iamge_size=3"], "there is no key 'iamge_size'. Did you mean image_size?"),
        (["sizes", "num_draws=3"], "there is no key 'num_draws'. `vdworld benchmark sizes --help` lists the keys."),
        (["sizes", "speed"], "expected key=value, got 'speed'. `vdworld benchmark sizes --help` lists the keys."),
    ],
)
def test_a_mistyped_or_former_name_of_a_configuration_is_refused_with_the_right_one(arguments, message, capsys):
    assert run_verb("benchmark", arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"vdworld benchmark: error: {message}")
    assert error.count("\n") == 1


def test_the_name_of_a_configuration_may_stand_anywhere_and_be_swept_over(monkeypatch, capsys):
    runs = []
    monkeypatch.setattr(benchmark, "run", lambda config, name: runs.append((name, config.image_size)))
    assert run_verb("benchmark", ["-m", "image_size=32,64", "sizes"]) == 0
    assert runs == [("sizes", 32), ("sizes", 64)]
    assert capsys.readouterr().out.startswith("[0] vdworld benchmark sizes image_size=32\n")


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


def test_cfg_job_prints_the_configuration_of_every_job_and_runs_none(runs, capsys):
    assert run_verb("train", ["data=a", "output=runs/${seed}", "--cfg", "job", "-m", "seed=1,2"]) == 0
    text = capsys.readouterr().out
    assert text.count("output: runs/${seed}\n") == 2
    assert "# [1] vdworld train data=a output=runs/${seed} seed=2\n" in text
    assert run_verb("train", ["-c", "job"]) == 0
    assert OmegaConf.create(capsys.readouterr().out) == compose_config("train")
    assert runs == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--cfg", "all"], "`--cfg` must be followed by job, got all."),
        (["--cfg"], "`--cfg` must be followed by job, got nothing."),
        (["--config-dir", "x"], "there is no flag '--config-dir'. The flags are --help, --cfg job and -m."),
        (["--package=x"], "there is no flag '--package'. The flags are --help, --cfg job and -m."),
    ],
)
def test_other_flags_are_refused(runs, flags, message, capsys):
    assert run_verb("train", [*TRAIN, *flags]) == 2
    assert capsys.readouterr().err == f"vdworld train: error: {message}\n"
    assert runs == []


def test_keys_can_be_added_and_removed(runs):
    assert run_verb("train", [*TRAIN, "+network.extra=1", "~trainer.shortcut"]) == 0
    assert runs[0].network.extra == 1
    assert "shortcut" not in runs[0].trainer


@pytest.mark.parametrize(
    ("key", "present"),
    [
        ("trainer.hiding", "trainer.corruption"),
        ("trainer.hiding.context_noise", "trainer.corruption.context_noise"),
        ("trainer.hiding.stains", "trainer.corruption.blob_noise"),
        ("trainer.hiding.ghosts", "trainer.corruption.clip_mixup"),
        ("trainer.weights.still", "trainer.weights.static_l1"),
        ("trainer.weights.effort", "trainer.weights.copy_penalty"),
    ],
)
def test_a_former_name_of_a_setting_is_refused_with_the_present_one(runs, key, present, capsys):
    assert run_verb("train", [*TRAIN, f"{key}=0.1"]) == 2
    assert capsys.readouterr().err == f"vdworld train: error: `{key}` is now called `{present}`.\n"
    assert present in {*leaves(compose_config("train")), "trainer.corruption"}
    assert runs == []
