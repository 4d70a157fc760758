"""Mistyped words and former names are refused with the right ones."""

from __future__ import annotations

import pytest

from vdworld.commands.config_search import compose_config
from vdworld.commands.runner import run_verb
from vdworld.commands.user_errors import leaves

TRAIN = ["data=data/pusht", "output=runs/pusht"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["output=o"], "`data` must be given, as in `vdworld train data=...`."),
        ([*TRAIN, "trainer.max_stpes=1"], "there is no key 'trainer.max_stpes'. Did you mean trainer.max_steps?"),
        (
            [*TRAIN, "network=diamond", "network.reach=1"],
            "there is no key 'network.reach' with network=diamond. Its keys are context_length, width, num_levels, "
            "depth, condition_dim, sigma_data, feature_dim.",
        ),
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
