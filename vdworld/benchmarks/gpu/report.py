"""The result of the GPU check: tables for the terminal, an HTML page, a Markdown summary, and figures as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vdworld.benchmarks.gpu.page import Part, markdown, page


@dataclass(frozen=True)
class GpuReport:
    """The result of the GPU check.

    Args:
        parts: The parts in order.
        about: Device, versions, date and seed, one line of text each.
        needs: The list of packages, as text.
    """

    parts: tuple[Part, ...]
    about: dict[str, str]
    needs: str

    @property
    def failed(self) -> bool:
        """Whether a part failed or ran out of time; a part that was left out did not fail."""
        return any(part.status in ("failed", "out of time") for part in self.parts)

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        tables = [table.text() for part in self.parts for table in part.result.tables]
        statuses = [f"{part.title}: {part.status} ({part.outcome.seconds:.0f} s)" for part in self.parts]
        return "\n\n".join([*tables, "\n".join(statuses), "\n".join(lines)])

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        parts = [
            {
                "name": part.name,
                "title": part.title,
                "status": part.status,
                "seconds": round(part.outcome.seconds, 1),
                "message": part.message,
                "figures": part.result.figures,
            }
            for part in self.parts
        ]
        return {"benchmark": "gpu", "failed": self.failed, "about": self.about, "packages": self.needs, "parts": parts}

    def save(self, output: Path) -> None:
        """Write ``gpu.json``, ``gpu.html``, ``gpu.md`` and a picture of a typical clip per dataset."""
        output.mkdir(parents=True, exist_ok=True)
        (output / "gpu.json").write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        (output / "gpu.html").write_text(page(self.parts, self.about, self.needs), encoding="utf-8")
        (output / "gpu.md").write_text(markdown(self.parts, self.about), encoding="utf-8")
        for part in self.parts:
            for name, data in part.result.pictures.items():
                if name.endswith("_typical.png"):
                    (output / name).write_bytes(data)
