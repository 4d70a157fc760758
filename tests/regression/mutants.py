"""Try how many small faults the tests notice.

The places where one small change makes a mutant (see ``code_changes``) are counted, and a share of them is drawn by
seed, at least one in every file. Each mutant is written to a temporary copy of the tree, and tried with the tests of
the mirrored folder that mention names of its file. It is caught if one of them fails. Unchanged code must pass first.
The order is random, so that a run that ends early has tried a random part.

    python -m tests.regression.mutants vdworld/world agents/lambda_returns.py --one-in 14 --log mutants.jsonl

With the same log, a run goes on where the last one ended; ``--retry`` tries what was not caught once more, and more
``--test-files`` what four files of tests did not catch.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import symtable
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tests.regression.code_changes import Mutant, mutants_of
from vdworld.storage.interrupts import terminable

ROOT = Path(__file__).resolve().parents[2]
POLICIES = ("two_hot", "return_normalizer", "policy_losses", "actor_critic", "collector", "rollout", "distribution")
PATHS = ["vdworld/diffusion", "vdworld/world", "vdworld/training", "agents/lambda_returns.py"]
PATHS += [f"agents/policies/{name}.py" for name in POLICIES]
COPIED = ("vdworld", "envs", "agents", "configs", "tests", "examples", "pyproject.toml")
RESULTS = ("caught", "survived", "timeout")


def find_mutants(root: Path, paths: Sequence[str]) -> dict[str, list[Mutant]]:
    """Return the mutants of the files at `paths` and below, by file; files without any are left out."""
    files = [
        file for path in paths for file in ([root / path] if path.endswith(".py") else (root / path).rglob("*.py"))
    ]
    names = sorted({file.resolve().relative_to(root.resolve()).as_posix() for file in files})
    mutants = {name: mutants_of(root, name) for name in names}
    return {name: mutants[name] for name in names if mutants[name]}


def draw(mutants: dict[str, list[Mutant]], one_in: int, seed: int) -> list[Mutant]:
    """Draw one in so many mutants of each file, at least one; a file's draw depends on no other file."""
    drawn = []
    for file, choices in mutants.items():
        drawn += random.Random(f"{seed} {file}").sample(choices, max(1, round(len(choices) / one_in)))
    random.Random(seed).shuffle(drawn)
    return drawn


def names_in(path: Path) -> set[str]:
    """Return the names of a file's functions, classes and constants."""
    symbols = symtable.symtable(path.read_text(), str(path), "exec").get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned()}


def find_tests(root: Path, file: str, count: int = 4) -> list[str]:
    """Return the tests of the mirrored folder that mention names of a file, or else of those beside it that import it.

    Tests named after the file come first, then those that mention its names most often.
    """
    path, parts = root / file, Path(file).parent.parts
    folder = root.joinpath("tests", *parts[parts[0] == "vdworld" :])
    words = {test: Counter(re.findall(r"\w+", test.read_text())) for test in sorted(folder.glob("test_*.py"))}
    users = [other for other in path.parent.glob("*.py") if f".{path.stem} import" in other.read_text()]
    for sources in ([path], users):
        names = {name for source in sources for name in names_in(source)}
        own = {f"test_{source.stem}".removesuffix("s") for source in sources}  # rollouts.py has test_rollout.py
        ranks = {test: (test.stem.removesuffix("s") in own, sum(words[test][name] for name in names)) for test in words}
        tests = sorted((test for test in words if any(ranks[test])), key=ranks.__getitem__, reverse=True)
        if tests:
            return [test.relative_to(root).as_posix() for test in tests[:count]]
    return []


def run_tests(root: Path, tests: Sequence[str], limit: float | None, mutant: Mutant | None = None) -> tuple[str, str]:
    """Run tests in a copy of the tree, with a mutant in it, and return the result and the end of the output."""
    if not tests:
        return "survived", ""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not gpu"]
    with tempfile.TemporaryDirectory() as folder:
        tree, output = Path(folder) / "tree", Path(folder) / "output.txt"
        copy_tree(root, tree)
        if mutant is not None:
            mutant.write(tree)
        environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
        settings = {"cwd": tree, "env": environment, "start_new_session": True, "stdin": subprocess.DEVNULL}
        with output.open("w") as stream:
            process = subprocess.Popen([*command, *tests], stdout=stream, stderr=stream, **settings)
            try:
                result = "survived" if process.wait(limit) in (0, 5) else "caught"  # 5: all its tests are slow
            except subprocess.TimeoutExpired:
                result = "timeout"
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return result, output.read_text()[-3_000:]


def copy_tree(root: Path, tree: Path) -> None:
    """Copy what tests need, links as links."""
    tree.mkdir()
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, tree / name)


def read_log(path: Path | None) -> dict[Mutant, str]:
    """Return the results in a log, the newest of each mutant."""
    lines = path.read_text().splitlines() if path is not None and path.exists() else []
    return {Mutant(**row["mutant"]): row["result"] for row in map(json.loads, lines)}


def try_all(root: Path, drawn: Sequence[Mutant], args: argparse.Namespace) -> dict[Mutant, str]:
    """Try the mutants that have no result yet, print and log each result, and return all results."""
    logged, stop = read_log(args.log), time.monotonic() + 60 * args.minutes
    results = {mutant: logged[mutant] for mutant in drawn if mutant in logged}
    due = [mutant for mutant in drawn if mutant not in results or (args.retry and results[mutant] != "caught")]
    tests = {file: find_tests(root, file, args.test_files) for file in {mutant.file for mutant in due}}
    result, output = run_tests(root, sorted({name for names in tests.values() for name in names}), None)
    if result != "survived":
        raise SystemExit(f"The unchanged code fails its tests:\n{output}")
    with suppress(KeyboardInterrupt):  # what was tried so far counts
        for mutant in due:
            if time.monotonic() > stop:
                break
            begin = time.monotonic()
            results[mutant], _ = run_tests(root, tests[mutant.file], args.limit, mutant)
            note = "" if tests[mutant.file] else ", no test mentions its file"
            print(f"{mutant}: {results[mutant]}{note} ({time.monotonic() - begin:.0f} s)", flush=True)
            if args.log is not None:
                with args.log.open("a") as stream:
                    stream.write(json.dumps({"mutant": asdict(mutant), "result": results[mutant]}) + "\n")
    return results


def wilson(count: int, total: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson 1927)."""
    z, share = 1.96, count / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return middle - half, middle + half


def table(results: dict[Mutant, str]) -> str:
    """Return the results by folder as a table in Markdown."""
    lines = ["| folder | mutants | caught | survived | timeout |", "|---|---|---|---|---|"]
    for folder in [*sorted({mutant.folder for mutant in results}), "all"]:
        counts = Counter(result for mutant, result in results.items() if folder in ("all", mutant.folder))
        lines.append(f"| {folder} | {counts.total()} | " + " | ".join(str(counts[name]) for name in RESULTS) + " |")
    caught, total = sum(result == "caught" for result in results.values()), len(results)
    low, high = wilson(caught, total)
    return "\n".join([*lines, "", f"{caught / total:.0%} of {total} are caught [{low:.0%}, {high:.0%}]."])


def main(arguments: Sequence[str] | None = None) -> None:
    """Count, draw and try mutants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", default=PATHS, help="files and folders, from the root of the repository")
    parser.add_argument("--list", action="store_true", help="only count places and draws")
    parser.add_argument("--one-in", type=int, default=14, help="the share of places that is drawn")
    parser.add_argument("--seed", type=int, default=20261127, help="of the draw")
    parser.add_argument("--test-files", type=int, default=4, help="how many files of tests at most try a mutant")
    parser.add_argument("--limit", type=float, default=300, help="seconds for the tests of a mutant")
    parser.add_argument("--minutes", type=float, default=math.inf, help="start no mutant after so many minutes")
    parser.add_argument("--log", type=Path, help="file that results are added to, and read from")
    parser.add_argument("--retry", action="store_true", help="try again what the log does not call caught")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository")
    args = parser.parse_args(arguments)

    mutants = find_mutants(args.root, args.paths)
    drawn = draw(mutants, args.one_in, args.seed)
    print(f"{sum(map(len, mutants.values()))} places in {len(mutants)} files, {len(drawn)} drawn.")
    if not args.list:
        with terminable():  # it stops the tests that are running, too
            results = try_all(args.root, drawn, args)
        print(table(results) if results else "There was no time for a mutant.")


if __name__ == "__main__":
    main()
