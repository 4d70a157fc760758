"""The help of a verb shows every key with the value that a run takes, given the other words on the line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from tests.commands.test_configs import CHOICES, CONFIGURATIONS
from vdworld.agents import CrossEntropy
from vdworld.cli import main
from vdworld.commands import benchmark
from vdworld.commands.config_search import compose_config, groups
from vdworld.commands.effective_values import defaults_of, fill_nulls
from vdworld.commands.help_text import help_text
from vdworld.training import TrainerSettings
from vdworld.world import WorldModel


def parsed_help(text: str) -> dict[str, Any]:
    """Return the keys and groups of a help text, read as YAML."""
    keys, _, rest = text.partition("must be given):\n")[2].partition("\n\nGroups")
    keys, _, _ = keys.partition("\n\n--cfg job")
    groups = rest.partition(":\n")[2].partition("\n\n--cfg job")[0]
    groups = re.sub(r"^  (\w+): .*# one of.*", r"  \1:", groups, flags=re.MULTILINE)
    return {**(yaml.safe_load(keys) or {}), **(yaml.safe_load(groups) or {})}


def test_the_values_are_those_of_a_run(tmp_path: Path) -> None:
    words = ["trainer.max_steps=1", "trainer.warmup_steps=3", "process.shift=2", "network.reach=2"]
    record = ["env=vdworld/Bounce-v0", "num_steps=60", "max_episode_steps=20", "image_size=64", "num_envs=1"]
    assert main(["record", *record, f"output={tmp_path}/data"]) == 0
    assert main(["train", f"data={tmp_path}/data", f"output={tmp_path}/world", *words]) == 0
    world, values = WorldModel.from_pretrained(tmp_path / "world"), parsed_help(help_text("train", overrides=words))
    assert values["trainer"] == world.training_info["settings"]
    config = json.loads((tmp_path / "world" / "config.json").read_text())
    assert (values["network"]["reach"], values["process"]["shift"]) == (2, 2)
    for part in ("network", "process"):
        built = {name: value for name, value in config[part].items() if name in values[part]}
        assert len(built) > 2
        assert built == {name: values[part][name] for name in built}
    assert values["sampling"] == {name: getattr(world.sampling, name) for name in values["sampling"]}


def test_the_values_of_a_preset_say_so_and_follow_the_other_words() -> None:
    tiny, small = help_text("train"), help_text("train", overrides=["world=small", "network=transformer"])
    assert re.search(r"\n    batch_size: 32 +# clips per step \(preset tiny\)\n", tiny)
    assert re.search(r"\n    batch_size: 8 +# clips per step \(preset small\)\n", small)
    assert re.search(r"\n    width: 192 +# channels per token \(preset small\)\n", small)
    assert "preset tiny" not in small
    assert re.search(r"\n    max_steps: 7 +# stop", help_text("train", overrides=["trainer.max_steps=7"]))


def test_values_of_the_preset_come_before_the_defaults_of_another_process() -> None:
    values = parsed_help(help_text("train", overrides=["process=edm"]))
    assert values["process"]["prediction"] == "x"
    assert values["process"]["initial_std"] is None  # means sigma_max


def test_a_planner_shows_the_defaults_of_its_class() -> None:
    assert parsed_help(help_text("plan"))["planner"] == defaults_of(CrossEntropy)
    inner = parsed_help(help_text("plan", overrides=["planner=policy_mppi", "planner.search.horizon=5"]))["planner"]
    assert inner["search"]["horizon"] == 5
    assert None not in inner["search"].values()


def test_settings_that_depend_on_another_one_follow_it() -> None:
    assert (parsed_help(help_text("learn"))["num_epochs"], parsed_help(help_text("clone"))["horizon"]) == (4, 15)
    assert parsed_help(help_text("learn", overrides=["objective=pmpo"]))["num_epochs"] == 1
    assert parsed_help(help_text("clone", overrides=["video=true"]))["horizon"] == 8


@pytest.mark.parametrize(("verb", "name"), CONFIGURATIONS)
def test_every_key_is_shown_with_its_value(verb: str, name: str | None) -> None:
    text, config = help_text(verb, name), compose_config(verb, name=name)
    fill_nulls(verb, config)
    container = OmegaConf.to_container(config)
    assert isinstance(container, dict)
    values, expected = parsed_help(text), {str(key): value for key, value in container.items()}
    assert values.keys() >= expected.keys()
    plain = expected.keys() - groups(verb, name)
    assert {key: values[key] for key in plain} == {key: expected[key] for key in plain}
    assert "# null" not in text
    assert "@package" not in text


@pytest.mark.parametrize(("verb", "name", "group", "option"), CHOICES)
def test_every_option_of_a_group_has_a_help(verb: str, name: str | None, group: str, option: str) -> None:
    assert f"\n  {group}: {option}  # one of " in help_text(verb, name, [f"{group}={option}"])


def test_a_wrong_word_beside_help_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "trainer.batchsize=3", "--help"]) == 2
    assert "there is no key 'trainer.batchsize'. Did you mean trainer.batch_size?" in capsys.readouterr().err


def test_the_comment_keeps_its_column_where_the_value_is_short_enough() -> None:
    lines = help_text("train").splitlines()
    columns = {
        line.index("#")
        for line in lines
        if line.strip().startswith(("data:", "seed:", "batch_size:", "after:")) and "#" in line
    }
    assert len(columns) == 1


def test_defaults_of_a_dataclass_hold_those_of_its_groups() -> None:
    defaults = defaults_of(TrainerSettings)
    assert defaults["horizon"] == TrainerSettings(max_steps=1).horizon
    assert defaults["shortcut"]["finest"] == TrainerSettings(max_steps=1).shortcut.finest


def test_help_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "run", lambda *arguments: pytest.fail("it ran"))
    assert main(["benchmark", "sizes", "--help"]) == 0
