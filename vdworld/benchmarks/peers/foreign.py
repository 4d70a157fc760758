"""Run other people's code in isolation from our modules and random numbers."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch

COMMIT = "COMMIT"
"""The file that names the commit of a copy without git's records."""


@contextmanager
def foreign_imports(source: Path, stand_ins: Sequence[str] = ()) -> Iterator[None]:
    """Make the modules in a folder importable inside the context, and forget them afterwards.

    Research code calls its modules ``models``, ``data`` or ``utils``. Inside the context these names mean the
    checkout's modules. Modules of the same names that were imported before are put aside and restored at the end.
    Objects imported inside keep working, unless they import more of their own modules later.

    Args:
        source: The folder that the checkout puts on its path.
        stand_ins: Packages that the checkout imports but our use of it does not need; those that are not installed are
            replaced by empty modules inside the context.
    """
    own = {path.stem for path in source.iterdir() if path.is_dir() or path.suffix == ".py"}
    missing = {name for name in stand_ins if name not in sys.modules and importlib.util.find_spec(name) is None}
    aside = _take_out(own)
    sys.modules.update({name: ModuleType(name, "A stand-in: the package is not installed.") for name in missing})
    sys.path.insert(0, str(source))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(source))
        _take_out(own | missing)
        sys.modules.update(aside)


@contextmanager
def random_stream(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global random stream, which foreign code draws from, and restore it afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def commit_of(checkout: Path) -> str:
    """Return the commit of a checkout.

    A copy that is no git repository may name it in the file ``COMMIT``; otherwise it is ``"unknown"``.
    """
    if not (checkout / ".git").exists():
        note = checkout / COMMIT
        return note.read_text().strip() if note.is_file() else "unknown"
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _take_out(top_level: set[str]) -> dict[str, ModuleType]:
    """Remove the modules with these top-level names from ``sys.modules``, and return them."""
    names = [name for name in sys.modules if name.partition(".")[0] in top_level]
    return {name: sys.modules.pop(name) for name in names}
