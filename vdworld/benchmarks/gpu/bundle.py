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
from vdworld.benchmarks.gpu.training import dataset_names
from vdworld.benchmarks.peers.foreign import COMMIT, commit_of
from vdworld.envs.recording.recorder import record

MAX_SIZE = 50 * 2**20
"""Maximum size of the bundle in bytes."""

RECORDINGS: dict[str, dict[str, Any]] = {
    "pusht": {"env": "gym_pusht/PushT-v0", "max_episode_steps": 100},
    "pong": {"env": "ALE/Pong-v5"},
}
"""Name of each recording, and its arguments of ``vdworld.record``."""

_IMAGE_SIZE = 64


def collect_wheels(folder: Path) -> None:
    """Download, or build, the wheels that GPU images tend to lack, in the versions installed here.

    Raises:
        RuntimeError: A package is not installed here, pip failed, or a wheel holds compiled code.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pins = []
    for need in NEEDS:
        if not need.bundled:
            continue
        version = need.version()
        if version is None:
            raise RuntimeError(f"`{need.package}` must be installed to determine its version. Install it first.")
        pins.append(f"{need.package}=={version}")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    if subprocess.run([*pip, "--wheel-dir", str(folder), *pins]).returncode != 0:
        raise RuntimeError("pip could not download or build the wheels; see its message above.")
    if compiled := [wheel.name for wheel in folder.glob("*.whl") if not wheel.name.endswith("-none-any.whl")]:
        raise RuntimeError(
            f"The wheels must be pure Python, got {', '.join(compiled)}. Set `bundled` to False for them."
        )


def record_clips(folder: Path, num_steps: int, seed: int = 0) -> None:
    """Make the datasets of ``RECORDINGS`` that `folder` lacks; reading them needs no video decoder.

    Args:
        folder: Holds one dataset folder per recording.
        num_steps: Number of steps per recording.
        seed: Seeds the episodes.
    """
    for name, settings in RECORDINGS.items():
        if name in dataset_names(folder):
            print(f"{folder / name} already exists.")
            continue
        with TemporaryDirectory() as scratch:
            path = Path(scratch) / name
            dataset = record(path=path, num_steps=num_steps, image_size=_IMAGE_SIZE, seed=seed, **settings)
            space, spec = dataset.action_space, dataset.spec
            copied = write_pictures(folder / name, iter(dataset), fps=dataset.fps, action_space=space, spec=spec)
        print(f"{copied}: {_size(folder / name) / 2**20:.1f} MiB")


def copy_peer(checkout: Path, folder: Path) -> None:
    """Copy the sources and the licence of a checkout of DIAMOND, and write its commit to the file ``COMMIT``.

    Raises:
        ValueError: `checkout` is not a checkout of DIAMOND.
    """
    if not (checkout / "src" / "models" / "diffusion").is_dir():
        raise ValueError(f"`peer` must be a folder with DIAMOND's own code, got {checkout}.")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(checkout / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(checkout / "LICENSE", folder / "LICENSE")
    (folder / COMMIT).write_text(commit_of(checkout) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the bundle; return 0, or 1 if it is larger than ``MAX_SIZE``."""
    parser = argparse.ArgumentParser(prog="python -m vdworld.benchmarks.gpu.bundle", description=__doc__)
    parser.add_argument("--output", type=Path, default=BUNDLE, help="the folder (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=20_000, help="steps per recording (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer", type=Path, help="a checkout of DIAMOND whose sources to include")
    options = parser.parse_args(arguments)
    collect_wheels(options.output / "wheels")
    record_clips(options.output / "clips", options.steps, options.seed)
    if options.peer is not None:
        copy_peer(options.peer, options.output / "diamond")
    shutil.rmtree(options.output / "site", ignore_errors=True)  # packages installed there are for this machine alone
    for part in sorted(path for path in options.output.iterdir() if path.is_dir()):
        print(f"{part}: {_size(part) / 2**20:.1f} MiB")
    size = _size(options.output)
    print(f"In total {size / 2**20:.1f} MiB, of at most {MAX_SIZE / 2**20:.0f} MiB.")
    if size > MAX_SIZE:
        print("The bundle is too large. Record fewer steps with --steps.")
    return int(size > MAX_SIZE)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
