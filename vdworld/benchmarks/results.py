"""What every benchmark does with its figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Figures(Protocol):
    """What a benchmark measured; printed as its tables."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        ...


def show_and_keep(
    result: Figures,
    output: str | Path | None,
    name: str,
    plots: Mapping[str, Callable[[], bytes]] | None = None,
    text: str | None = None,
) -> None:
    """Print the tables, and write ``NAME.json`` and the plots into the folder `output`, if there is one.

    Args:
        result: The figures.
        output: The folder; None writes nothing.
        name: Of the benchmark.
        plots: File names to functions that draw them.
        text: The tables as text; None prints `result`.
    """
    print(result if text is None else text)
    if output is None:
        return
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result.to_json(), indent=2) + "\n")
    for file, draw in (plots or {}).items():
        (folder / file).write_bytes(draw())
    written = [f"{name}.json", *(plots or {})]
    print(f"\nFigures: {', '.join(str(folder / file) for file in written)}")
