"""Run the tests marked ``gpu`` with pytest."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from vdworld.benchmarks.gpu.isolation import NotRunError
from vdworld.benchmarks.gpu.needs import ROOT
from vdworld.benchmarks.gpu.settings import GpuSettings, PartResult
from vdworld.evaluation.report.table import Table

_MARK = "mark.gpu"


def run_gpu_tests(settings: GpuSettings, seconds: float) -> PartResult:
    """Run every test marked ``gpu``; without a GPU only collect them, which finds import errors.

    Args:
        settings: The device decides whether the tests run.
        seconds: Time limit for all tests together.

    Raises:
        NotRunError: There are no tests, because the package was installed without its repository.
        RuntimeError: pytest could not collect the tests, or did not finish in time.
    """
    files = test_files(ROOT / "tests")
    if not files:
        raise NotRunError(f"{ROOT} has no tests marked gpu. Run the check in a checkout of the repository.")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-m", "gpu", "-p", "no:cacheprovider"]
        options += ["-v", f"--junitxml={report}"] if settings.on_cuda else ["-q", "--collect-only"]
        command = [sys.executable, "-m", "pytest", *options, *map(str, files)]
        try:
            process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            output = (error.stdout or b"").decode(errors="replace")
            raise RuntimeError(f"pytest did not finish within {seconds:.0f} seconds:\n{output[-4000:]}") from error
        print(process.stdout[-4000:], process.stderr[-2000:], flush=True)
        if process.returncode not in (0, 1) or (settings.on_cuda and not report.is_file()):
            raise RuntimeError(f"pytest exited with code {process.returncode}:\n{process.stdout[-8000:]}")
        return read_junit(report) if settings.on_cuda else _collected(process.stdout)


def test_files(folder: Path) -> list[Path]:
    """Return the test files below a folder that hold tests marked ``gpu``; the others need not be importable."""
    return sorted(path for path in folder.rglob("test_*.py") if _MARK in path.read_text(encoding="utf-8"))


test_files.__test__ = False  # pyright: ignore[reportFunctionMemberAccess] - pytest takes it for a test otherwise


def read_junit(report: Path) -> PartResult:
    """Return the results in a JUnit file that pytest wrote, one test per row."""
    rows, counts, failures = [], {"passed": 0, "failed": 0, "skipped": 0}, {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}: {case.get('name')}"
        failure = next((part for part in case if part.tag in ("failure", "error")), None)
        status = "failed" if failure is not None else "skipped" if case.find("skipped") is not None else "passed"
        counts[status] += 1
        rows.append((name, status, f"{float(case.get('time', 0)):.1f} s"))
        if failure is not None:
            failures[name] = failure.text or failure.get("message", "")
    totals = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    table = Table("Tests marked gpu", ("", "outcome", "time"), tuple(rows), f"{totals}.")
    problem = "\n\n".join(f"{name}\n{text}" for name, text in failures.items())
    if not rows:
        problem = "pytest ran no tests."
    headline = (f"{counts['passed']} of {len(rows)}", "GPU tests passed")
    return PartResult((table,), {**counts, "failures": failures}, headline=headline, problem=problem)


def _collected(output: str) -> PartResult:
    names = [line.rpartition("/")[2] for line in output.splitlines() if "::" in line]
    rows = tuple((name, "collected, not run: no GPU") for name in names)
    table = Table("Tests marked gpu", ("", "outcome"), rows, f"{len(rows)} tests were collected.")
    return PartResult((table,), {"collected": len(rows)}, headline=(f"{len(rows)}", "GPU tests collected, none run"))
