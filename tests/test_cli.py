"""``vdworld`` finds its verbs and says so when there is no such verb."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

import pytest

import vdworld
from vdworld.cli import main
from vdworld.commands.config_search import config_file, config_names
from vdworld.commands.verbs import VERBS


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_the_overview_gives_every_verb_one_line(arguments, capsys):
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, verb in VERBS.items():
        assert [line for line in lines if line.split()[:1] == [name]] == [f"  {name:<10} {verb.line}"]


def test_the_version_is_the_package_s(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == vdworld.__version__


@pytest.mark.parametrize(
    ("word", "hint"),
    [("trian", "Did you mean train?"), ("evalute", "Did you mean evaluate?"), ("xyz", "The verbs are record, train")],
)
def test_an_unknown_verb_is_an_error_with_a_hint(word, hint, capsys):
    assert main([word]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"vdworld: error: there is no verb {word!r}. {hint}")
    assert error.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_command_and_a_configuration(verb):
    assert callable(importlib.import_module(f"vdworld.commands.{verb}").run)
    names = config_names(verb) if VERBS[verb].named else [None]
    assert names
    assert all(config_file(verb, name).is_file() for name in names)


def test_the_script_is_the_command_line():
    scripts = entry_points(group="console_scripts", name="vdworld")
    assert {script.load() for script in scripts} == {main}
