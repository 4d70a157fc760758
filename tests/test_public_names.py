"""``import vdworld`` is light, and hands every public name on when it is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest

import vdworld

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for folder in ("vdworld", "envs", "agents") for path in (ROOT / folder).rglob("*.py"))
LIGHT = {"torch", "numpy", "gymnasium", "vdworld", *sys.stdlib_module_names}


def modules_after(statements: str) -> set[str]:
    """Return the names of what a fresh interpreter has imported after `statements`."""
    code = f"import sys\n{statements}\nprint(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_importing_the_package_loads_nothing_but_gymnasium_and_numpy():
    loaded = {name.partition(".")[0] for name in modules_after("import vdworld")}
    alone = {name.partition(".")[0] for name in modules_after("import gymnasium, numpy, torch")}
    assert loaded - alone == {"vdworld"}


def test_importing_the_package_loads_none_of_its_layers():
    assert {name for name in modules_after("import vdworld") if name.startswith("vdworld")} == {"vdworld"}


@pytest.mark.parametrize("name", sorted(vdworld._NAMES))
def test_a_public_name_is_where_it_says(name):
    assert getattr(vdworld, name).__name__ == name


@pytest.mark.parametrize("name", vdworld._MODULES)
def test_a_layer_is_an_attribute_of_the_package(name):
    assert getattr(vdworld, name).__name__ == f"vdworld.{name}"


def test_dir_lists_the_public_names():
    assert {*vdworld._NAMES, *vdworld._MODULES, "__version__"} <= set(dir(vdworld))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'vdworld' has no attribute 'WorldModle'"):
        vdworld.WorldModle  # noqa: B018


def test_the_static_names_are_those_handed_on():
    tree = ast.parse((ROOT / "vdworld/__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    stated = {alias.name: node.module for node in block.body for alias in node.names}  # type: ignore[union-attr]
    assert stated == {**vdworld._NAMES, **dict.fromkeys(vdworld._MODULES, "vdworld")}


def test_the_dream_is_registered_with_a_vector_form():
    spec = gym.spec("vdworld/Dream-v0")
    assert spec.entry_point == "vdworld.envs.dream.dream_env:DreamEnv"
    assert spec.vector_entry_point == "vdworld.envs.dream.dream_vector_env:DreamVectorEnv"


def top_level_imports(path: Path) -> set[str]:
    """Return the packages that importing a file imports; what stands under TYPE_CHECKING does not count."""
    packages, nodes = set(), list(ast.parse(path.read_text()).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            packages.add((node.module or "").partition(".")[0])
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            nodes += [*getattr(node, "body", []), *getattr(node, "orelse", [])] if hasattr(node, "body") else []
    return packages


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_every_user_has(path):
    commands = path.is_relative_to(ROOT / "vdworld/commands")
    assert top_level_imports(path) - LIGHT <= ({"hydra", "omegaconf"} if commands else set())
