"""``make gpu-bundle``: everything the GPU check needs on a machine without internet, in one folder under 50 MiB."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vdworld.benchmarks.gpu.clips import write_pictures
from vdworld.benchmarks.gpu.needs import BUNDLE, NEEDS
from vdworld.benchmarks.gpu.training import carried
from vdworld.benchmarks.peers.foreign import COMMIT, commit_of
from vdworld.envs.recording.recorder import record

LARGEST = 50 * 2**20
"""Bytes that the bundle may have."""

RECORDINGS: dict[str, dict[str, Any]] = {
    "pusht": {"env": "gym_pusht/PushT-v0", "max_episode_steps": 100},
    "pong": {"env": "ALE/Pong-v5"},
}
"""What is recorded: the environment, and settings of ``vdworld.record``."""

_IMAGE_SIZE = 64


def collect_wheels(folder: Path) -> None:
    """Download, or build, the wheels that GPU images tend to lack, in the versions installed here.

    Raises:
        RuntimeError: A package is not installed here, or pip failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pins = []
    for need in NEEDS:
        if not need.carried:
            continue
        version = need.version()
        if version is None:
            raise RuntimeError(f"`{need.package}` must be installed here, so that its version is known. Install it.")
        pins.append(f"{need.package}=={version}")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    if subprocess.run([*pip, "--wheel-dir", str(folder), *pins]).returncode != 0:
        raise RuntimeError("pip could not fetch the wheels; its message stands above.")
    if compiled := [wheel.name for wheel in folder.glob("*.whl") if not wheel.name.endswith("-none-any.whl")]:
        raise RuntimeError(f"The wheels must run anywhere, got {', '.join(compiled)}. Set `carried` to False for them.")


def record_clips(folder: Path, num_steps: int, seed: int = 0) -> None:
    """Record every environment of ``RECORDINGS`` that is not there yet, as datasets that need no video decoder.

    Args:
        folder: Gets a dataset folder per environment.
        num_steps: Of each.
        seed: Decides the episodes.
    """
    for name, settings in RECORDINGS.items():
        if name in carried(folder):
            print(f"{folder / name} is there already.")
            continue
        with TemporaryDirectory() as scratch:
            path = Path(scratch) / name
            dataset = record(path=path, num_steps=num_steps, image_size=_IMAGE_SIZE, seed=seed, **settings)
            space, spec = dataset.action_space, dataset.spec
            copied = write_pictures(folder / name, iter(dataset), fps=dataset.fps, action_space=space, spec=spec)
        print(f"{copied}: {_size(folder / name) / 2**20:.1f} MiB")


def copy_peer(checkout: Path, folder: Path) -> None:
    """Copy the sources and the licence of a checkout of DIAMOND, and note its commit in ``COMMIT``.

    Raises:
        ValueError: It is no checkout of DIAMOND.
    """
    if not (checkout / "src" / "models" / "diffusion").is_dir():
        raise ValueError(f"`peer` must be a folder with DIAMOND's own code, got {checkout}.")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(checkout / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(checkout / "LICENSE", folder / "LICENSE")
    (folder / COMMIT).write_text(commit_of(checkout) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the bundle; return 0, or 1 if it is too large to travel."""
    parser = argparse.ArgumentParser(prog="python -m vdworld.benchmarks.gpu.bundle", description=__doc__)
    parser.add_argument("--output", type=Path, default=BUNDLE, help="the folder (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=20_000, help="of each recording (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer", type=Path, help="a checkout of DIAMOND, whose sources go along")
    given = parser.parse_args(arguments)
    collect_wheels(given.output / "wheels")
    record_clips(given.output / "clips", given.steps, given.seed)
    if given.peer is not None:
        copy_peer(given.peer, given.output / "diamond")
    shutil.rmtree(given.output / "site", ignore_errors=True)  # what was installed here is of no use elsewhere
    for part in sorted(path for path in given.output.iterdir() if path.is_dir()):
        print(f"{part}: {_size(part) / 2**20:.1f} MiB")
    whole = _size(given.output)
    print(f"Together {whole / 2**20:.1f} MiB, of at most {LARGEST / 2**20:.0f}.")
    if whole > LARGEST:
        print("That is too large to travel. Record fewer steps: --steps.")
    return int(whole > LARGEST)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
