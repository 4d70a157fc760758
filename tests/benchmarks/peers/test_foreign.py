"""Somebody else's modules and random numbers stay out of ours."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType

import pytest
import torch

from vdworld.benchmarks.peers.foreign import commit_of, foreign_imports, random_stream


@pytest.fixture
def source(tmp_path):
    """Return a folder with a module `utils`, which needs a package that nobody has, and a package `models`."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("from .part import NAME\n")
    (tmp_path / "models" / "part.py").write_text("import utils\nNAME = 'theirs'\n")
    (tmp_path / "utils.py").write_text("import nobody_has_this\nNAME = 'theirs'\ndef name(): return NAME\n")
    return tmp_path


def test_no_module_of_a_checkout_stays_imported(source):
    modules, path = dict(sys.modules), list(sys.path)
    with foreign_imports(source, stand_ins=("nobody_has_this",)):
        assert importlib.import_module("models").NAME == "theirs"
        assert {"models.part", "utils", "nobody_has_this"} <= set(sys.modules)
    assert sys.modules == modules
    assert sys.path == path


def test_imported_objects_keep_working(source):
    with foreign_imports(source, stand_ins=("nobody_has_this",)):
        utils = importlib.import_module("utils")
    assert utils.name() == "theirs"


def test_modules_of_the_same_name_step_aside_and_come_back(source, monkeypatch):
    ours = ModuleType("utils")
    monkeypatch.setitem(sys.modules, "utils", ours)
    with foreign_imports(source, stand_ins=("nobody_has_this",)):
        assert importlib.import_module("utils") is not ours
    assert sys.modules["utils"] is ours


def test_an_error_inside_leaves_nothing_behind_either(source):
    modules, path = dict(sys.modules), list(sys.path)
    with pytest.raises(ModuleNotFoundError, match="nobody_has_this"), foreign_imports(source):
        importlib.import_module("models")
    assert {name for name in sys.modules if name not in modules} == set()
    assert sys.path == path


def test_a_package_that_is_there_needs_no_stand_in(source):
    with foreign_imports(source, stand_ins=("json",)):
        assert importlib.import_module("json").loads("1") == 1
    assert sys.modules["json"].loads("1") == 1


def test_foreign_draws_repeat_and_do_not_change_the_global_stream():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    draws = []
    for _ in range(2):
        with random_stream(7, torch.device("cpu")):
            draws.append(torch.rand(4))
    assert torch.equal(*draws)
    assert torch.equal(torch.rand(2), expected)


def test_a_checkout_says_its_commit_if_it_knows(tmp_path):
    assert commit_of(tmp_path) == "unknown"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    assert commit_of(tmp_path) == "unknown"  # there is no commit yet
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "first"], check=True)
    assert len(commit_of(tmp_path)) == 40
