"""The wheel and the sdist hold everything that the repository does, and nothing is missing once they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"vdworld": "vdworld", "envs": "vdworld/envs", "agents": "vdworld/agents", "configs": "vdworld/configs"}

IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import vdworld
names = [module.name for module in pkgutil.walk_packages(vdworld.__path__, "vdworld.")]
for name in names:
    module = importlib.import_module(name)
    assert module.__file__.startswith(sys.argv[1]), f"{name} came from {module.__file__}"
print("\\n".join(names))
"""


def shipped_files() -> dict[str, str]:
    """Return the files that users need: path in the repository -> path in an installed package."""
    files = {}
    for folder, installed in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*")):
            linked = any(parent.is_symlink() for parent in path.parents if parent != ROOT)
            if path.suffix in {".py", ".yaml", ".typed", ".html", ".css", ".js"} and not linked:
                files[path.relative_to(ROOT).as_posix()] = f"{installed}/{path.relative_to(ROOT / folder).as_posix()}"
    return files


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the sdist, and the wheel out of it, from a copy of the repository; no network."""
    source, output = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(output), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return next(output.glob("*.tar.gz")), next(output.glob("*.whl"))


def test_pyproject_lists_every_package_on_disk():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    modules = [Path(installed) for installed in shipped_files().values() if installed.endswith(".py")]
    assert sorted(settings["packages"]) == sorted({".".join(module.parent.parts) for module in modules})


def test_every_requirement_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    names = {re.split(r"[\[<>=; ]", requirement)[0] for requirement in [*project["dependencies"], *extras]}
    pins = re.findall(r"^([a-z0-9-]+)==", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    assert names - {"vdworld"} - set(pins) == set()


def test_the_pins_hold_on_machines_with_and_without_a_gpu():
    assert "+" not in re.sub(r"#.*", "", (ROOT / "constraints.txt").read_text())


def test_every_package_has_an_init_file():
    files = set(shipped_files())
    folders = {Path(name).parent for name in files if name.endswith(".py")}
    assert [folder for folder in sorted(folders) if (folder / "__init__.py").as_posix() not in files] == []


def test_the_sdist_holds_every_module_and_configuration(distributions):
    with tarfile.open(distributions[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(shipped_files()) - names == set()


def test_the_wheel_holds_every_module_and_configuration(distributions):
    with zipfile.ZipFile(distributions[1]) as archive:
        names = set(archive.namelist())
    assert set(shipped_files().values()) - names == set()


def test_every_module_of_the_installed_wheel_can_be_imported(distributions, tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(tmp_path), str(distributions[1])], check=True, capture_output=True)
    command = [sys.executable, "-I", "-c", IMPORT_ALL, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    modules = [Path(name).with_suffix("") for name in shipped_files().values() if name.endswith(".py")]
    expected = {".".join(path.parts).removesuffix(".__init__") for path in modules} - {"vdworld"}
    assert set(result.stdout.split()) == expected
