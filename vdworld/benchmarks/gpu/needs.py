"""List the packages that the GPU check needs, install missing ones from the bundle, and start the check.

This file runs as a script before anything else is installed, so it imports the standard library alone:
``python vdworld/benchmarks/gpu/needs.py [key=value ...]``.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUNDLE = ROOT / "build" / "gpu"
"""The folder to copy to the GPU machine: ``wheels/``, ``clips/``, and ``diamond/`` if it was added."""

SITE = BUNDLE / "site"
"""The folder in which missing packages are installed; the machine's own packages stay as they are."""


@dataclass(frozen=True)
class Need:
    """A package that the check uses.

    Args:
        package: Its name in a package index.
        module: The name of its module.
        purpose: What needs it, in words.
        bundled: Whether the bundle holds a wheel of it; the others are large or compiled, and GPU images have them.
        series: The required beginning of its version; empty if any version will do.
    """

    package: str
    module: str
    purpose: str
    bundled: bool = True
    series: str = ""

    @property
    def missing(self) -> bool:
        """Whether the package is not installed, or its version does not fit."""
        version = self.version()
        return version is None or not version.startswith(self.series)

    def version(self) -> str | None:
        """Return the installed version; None if the package is missing."""
        if importlib.util.find_spec(self.module) is None:
            return None
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return "unknown version"


EVERYTHING = "everything"
NEEDS = (
    Need("torch", "torch", EVERYTHING, bundled=False),
    Need("numpy", "numpy", EVERYTHING, bundled=False),
    Need("gymnasium", "gymnasium", EVERYTHING),
    Need("Farama-Notifications", "farama_notifications", EVERYTHING),
    Need("cloudpickle", "cloudpickle", EVERYTHING),
    Need("typing-extensions", "typing_extensions", EVERYTHING),
    Need("tqdm", "tqdm", EVERYTHING),
    Need("safetensors", "safetensors", EVERYTHING, bundled=False),
    Need("pyarrow", "pyarrow", "training on recorded clips", bundled=False),
    Need("pillow", "PIL", "training on recorded clips", bundled=False),
    Need("matplotlib", "matplotlib", "pictures", bundled=False),
    Need("pytest", "pytest", "tests", bundled=False),
    Need("beartype", "beartype", "tests"),
    Need("jaxtyping", "jaxtyping", "tests"),
    Need("wadler-lindig", "wadler_lindig", "tests"),
    Need("omegaconf", "omegaconf", "DIAMOND's own code"),
    Need("antlr4-python3-runtime", "antlr4", "DIAMOND's own code", series="4.9."),
    Need("PyYAML", "yaml", "DIAMOND's own code", bundled=False),
    Need("hydra-core", "hydra", "the command line `vdworld`"),
)


def missing(needs: Sequence[Need] = NEEDS) -> list[Need]:
    """Return the packages that are not installed, or whose version does not fit."""
    return [need for need in needs if need.missing]


def describe(needs: Sequence[Need] = NEEDS) -> str:
    """Return one line per package: its version or that it is missing, and what needs it."""
    return "\n".join(["Packages:", *(f"  {need.package:<24} {_state(need):<24} for {need.purpose}" for need in needs)])


def _state(need: Need) -> str:
    version = need.version() or "MISSING"
    return f"{version}, WANTED {need.series}*" if need.version() and need.missing else version


def install(needs: Sequence[Need], wheels: Path, site: Path) -> list[Need]:
    """Install wheels of these packages into a separate folder, and return the packages without a wheel.

    Args:
        needs: The packages.
        wheels: The folder with the wheels; no package index is used.
        site: The folder to install into.

    Raises:
        subprocess.CalledProcessError: pip failed; its message was printed.
    """
    available = {_normalized(wheel.name.split("-")[0]) for wheel in wheels.glob("*.whl")} if wheels.is_dir() else set()
    names = [need.package for need in needs if _normalized(need.package) in available]
    if names:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
        pip.append("--root-user-action=ignore")
        source = ["--no-index", "--no-deps", "--find-links", str(wheels), "--upgrade", "--target", str(site)]
        subprocess.run([*pip, *source, *names], check=True)
    return [need for need in needs if need.package not in names]


def main(
    settings: Sequence[str],
    *,
    needs: Sequence[Need] = NEEDS,
    bundle: Path = BUNDLE,
    start: Callable[[dict[str, str], Sequence[str]], int] | None = None,
) -> int:
    """List the packages, install those that are missing and have a wheel, and start the check.

    Args:
        settings: ``key=value`` for ``vdworld.benchmarks.gpu``.
        needs: The packages.
        bundle: Holds the wheels.
        start: Takes the environment variables and the settings and returns an exit code; replaces this process by
            default.

    Returns:
        2 if the check can't start because a package is missing, otherwise the exit code of the check.
    """
    site = bundle / "site"
    if site.is_dir():
        sys.path.insert(0, str(site))  # installed by an earlier call
    print(describe(needs), flush=True)
    absent = missing(needs)
    unavailable = install(absent, bundle / "wheels", site) if absent else []
    if installed := [need.package for need in absent if need not in unavailable]:
        print(f"Installed into {site}, next to the machine's own packages: {', '.join(installed)}.", flush=True)
    for need in unavailable:
        problem = f"`{need.package}` is missing and has no wheel in {bundle / 'wheels'}"
        print(f"{problem}. It is needed for {need.purpose}.", flush=True)
    if any(need.purpose == EVERYTHING for need in unavailable):
        print("Run `make gpu-bundle` on a machine with a package index, then copy build/gpu to this machine.")
        return 2
    paths = [str(ROOT), str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    return (start or _replace_process)(environment, settings)


def _replace_process(environment: dict[str, str], settings: Sequence[str]) -> int:
    sys.stdout.flush()
    command = [sys.executable, "-m", "vdworld.benchmarks.gpu", *settings]
    os.execve(sys.executable, command, environment)


def _normalized(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
