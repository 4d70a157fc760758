"""Damage folders at random, and read them: unchanged, or one line that names the file.

``python -m tests.hostile.fuzz --num 500 --seed 0`` prints what went wrong, and how often each outcome occurred.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile.folders import Read, write_folders
from tests.hostile.mutations import mutate, swap
from vdworld.commands.runner import USER_ERRORS
from vdworld.commands.user_errors import explain

SECONDS = 60.0  # for one folder; a hundred times what it takes


class Hang(BaseException):
    """Reading took too long."""


@dataclass(frozen=True)
class Outcome:
    """What reading a damaged folder led to.

    Args:
        damage: What was done to which file.
        kind: "unchanged", "refused", "other" for another valid folder without checksums, or what went wrong.
        text: The message.
    """

    damage: str
    kind: str
    text: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether the folder should not have led to this."""
        return self.kind not in ("unchanged", "refused", "other")


class Fuzz:
    """Folders of all kinds, with what reading them gives.

    Args:
        root: Where to write them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root / "whole"
        self.scratch = root / "damaged"
        with silent():
            self.readers = write_folders(self.root)
            self.digests = {name: read(self.root / name) for name, read in self.readers.items()}

    def run(self, seed: int) -> Outcome:
        """Damage one folder as the seed decides, and read it."""
        rng = random.Random(seed)
        name = rng.choice(sorted(self.readers))
        shutil.rmtree(self.scratch, ignore_errors=True)
        folder = self.scratch / name
        shutil.copytree(self.root / name, folder)
        if rng.random() < 0.1:
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            other = rng.choice(sorted(file for file in self.root.rglob("*") if file.is_file()))
            file = rng.choice(files)
            copied = shutil.copy(other, self.scratch / "other")
            swap(file, Path(copied))
            damage, sealed = f"swap with {other.relative_to(self.root)}", True
        else:
            damage, file, sealed = mutate(folder, rng)
        where = f"{name}: {damage} in {file.relative_to(folder)}{'' if sealed else ', without checksums'}"
        return self._read(where, self.readers[name], folder, self.digests[name], sealed)

    def _read(self, damage: str, read: Read, folder: Path, whole: str, sealed: bool) -> Outcome:
        try:
            with silent(), limited(SECONDS):
                found = read(folder)
        except Hang:
            return Outcome(damage, "hang")
        except USER_ERRORS as error:
            text = explain("info", error)
            wrong = "several lines" if "\n" in text else "no file named" if str(folder) not in text else ""
            return Outcome(damage, wrong or "refused", text if not wrong else text + traceback.format_exc())
        except Exception:
            return Outcome(damage, "traceback", traceback.format_exc())
        kind = "unchanged" if found == whole else "changed" if sealed else "other"
        return Outcome(damage, kind)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """A block that ends with Hang if it takes longer."""

    def stop(*_: Any) -> None:
        raise Hang

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """A block whose progress bars and notes are not shown."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def main() -> int:
    """Run the fuzz, and return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num", type=int, default=500, help="number of damaged folders")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        fuzz = Fuzz(Path(folder))
        for seed in range(options.seed, options.seed + options.num):
            outcome = fuzz.run(seed)
            counts[outcome.kind] += 1
            if outcome.is_wrong:
                print(f"[{seed}] {outcome.kind}: {outcome.damage}\n{outcome.text}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in counts.most_common()))
    return int(any(Outcome("", kind).is_wrong for kind in counts))


if __name__ == "__main__":
    sys.exit(main())
