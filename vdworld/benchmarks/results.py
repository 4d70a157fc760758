"""Print the result of a benchmark, and write its figures and plots."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from vdworld.evaluation.report.table import Table
from vdworld.storage.atomic_files import write_file


@runtime_checkable
class BenchmarkResult(Protocol):
    """The result of a benchmark; ``str()`` gives its tables.

    A result may also have ``plots``, a mapping from file names to functions that draw them, and ``failed``, whether a
    part of the benchmark failed.
    """

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        ...


def print_and_save(
    result: BenchmarkResult,
    output: str | Path | None,
    name: str,
    plots: Mapping[str, Callable[[], bytes]] | None = None,
) -> None:
    """Print the tables and, if there is an output folder, write ``NAME.json`` and the plots into it.

    Args:
        result: What was measured.
        output: The folder; None writes nothing.
        name: The benchmark's name.
        plots: File names to functions that return PNG bytes.
    """
    print(result)
    if output is None:
        return
    folder = Path(output)
    write_file(folder / f"{name}.json", (json.dumps(result.to_json(), indent=2) + "\n").encode())
    for file, draw in (plots or {}).items():
        write_file(folder / file, draw())
    written = [f"{name}.json", *(plots or {})]
    print(f"\nFigures: {', '.join(str(folder / file) for file in written)}")


def to_text(tables: list[Table], about: Mapping[str, str]) -> str:
    """Return tables, then one line per entry of `about`."""
    lines = [f"{name:<9} {value}" for name, value in about.items()]
    return "\n".join([*(table.text() + "\n" for table in tables), *lines]).rstrip()
