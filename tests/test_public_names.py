"""``import vdworld`` is light, and every public name is imported on first use."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for folder in ("vdworld", "envs", "agents") for path in (ROOT / folder).rglob("*.py"))
LIGHT = {"torch", "numpy", "gymnasium", "vdworld", *sys.stdlib_module_names}
LAZY = {
    "vdworld": ROOT / "vdworld/__init__.py",
    "vdworld.envs": ROOT / "envs/__init__.py",
    "vdworld.envs.integrations": ROOT / "envs/integrations/__init__.py",
}
SUBPACKAGES = ("checking", "dream", "games", "integrations", "real", "recording", "tasks", "tasks.pusht")
NEEDS = {"TorchRLEnv": "torchrl", "VecEnvAdapter": "stable_baselines3", "tianshou_vector_env": "tianshou"}
PUBLIC = [(package, name) for package in LAZY for name in importlib.import_module(package).__all__]


def modules_after(statements: str) -> set[str]:
    """Return the names of what a fresh interpreter has imported after `statements`."""
    code = f"import sys\n{statements}\nprint(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def statically_imported(path: Path) -> set[str]:
    """Return the names that a file imports for type checkers and editors."""
    tree = ast.parse(path.read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {alias.asname or alias.name for node in block.body for alias in node.names}  # type: ignore[union-attr]


def test_importing_the_package_loads_nothing_but_gymnasium_and_numpy():
    loaded = {name.partition(".")[0] for name in modules_after("import vdworld")}
    alone = {name.partition(".")[0] for name in modules_after("import gymnasium, numpy, torch")}
    assert loaded - alone == {"vdworld"}


def test_importing_the_package_loads_none_of_its_layers():
    assert {name for name in modules_after("import vdworld") if name.startswith("vdworld")} == {"vdworld"}


def test_importing_the_environments_loads_none_of_their_subpackages():
    loaded = {name for name in modules_after("import vdworld.envs") if name.startswith("vdworld")}
    assert loaded == {"vdworld", "vdworld.envs"}


@pytest.mark.parametrize(("package", "name"), PUBLIC, ids=[f"{package}.{name}" for package, name in PUBLIC])
def test_a_public_name_can_be_imported(package, name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    value = getattr(importlib.import_module(package), name)
    if name != "__version__":
        assert value.__name__ in (name, f"{package}.{name}")


@pytest.mark.parametrize("package", LAZY)
def test_dir_lists_the_public_names_alone(package):
    assert dir(importlib.import_module(package)) == sorted(importlib.import_module(package).__all__)


@pytest.mark.parametrize("package", LAZY)
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'WorldModle'"):
        importlib.import_module(package).WorldModle  # noqa: B018


@pytest.mark.parametrize("package", LAZY)
def test_editors_know_every_public_name(package):
    public = {name for name in importlib.import_module(package).__all__ if name != "__version__"}
    assert statically_imported(LAZY[package]) == public


@pytest.mark.parametrize("name", SUBPACKAGES)
def test_a_subpackage_of_the_environments_states_its_public_names(name):
    module = importlib.import_module(f"vdworld.envs.{name}")
    assert module.__doc__
    assert module.__all__


@pytest.mark.parametrize(
    "statement",
    [
        "from vdworld.envs.dream import DreamEnv, DreamVectorEnv",
        "from vdworld.envs.real import RealEnv, make_real",
        "from vdworld.envs.recording import record",
    ],
)
def test_imports_from_modules_that_became_subpackages_still_work(statement):
    exec(statement, {})


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
    assert top_level_imports(path) - LIGHT <= ({"hydra", "omegaconf", "yaml"} if commands else set())
