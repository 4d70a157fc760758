"""One table of text, and how numbers are written in it."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from vdworld.metrics import Interval


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Args:
        title: What the table is about.
        columns: Headings, the first over the row labels.
        rows: Cells; a row of one cell heads a group of rows.
        note: What the reader must know to read it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def text(self) -> str:
        """Lay the table out for a terminal."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines if len(line) > 1) for i in range(len(self.columns))]
        laid_out = [self.title, _line(self.columns, widths), "  ".join("─" * width for width in widths)]
        laid_out += [row[0] if len(row) == 1 else _line(row, widths) for row in self.rows]
        return "\n".join([*laid_out, *textwrap.wrap(self.note, width=max(80, len(laid_out[2])))])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    others = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "  ".join([cells[0].ljust(widths[0]), *others]).rstrip()


def cell(interval: Interval, digits: int = 1, *, signed: bool = False, percent: bool = False) -> str:
    """Write a mean and its interval: ``19.5 [19.1, 19.9]``; a dash where there is no value."""
    if math.isnan(interval.mean):
        return "-"
    scale, unit = (100, "%") if percent else (1, "")
    sign = "+" if signed else ""
    mean = f"{interval.mean * scale:{sign}.{digits}f}{unit}"
    if math.isnan(interval.low):
        return mean
    return f"{mean} [{interval.low * scale:{sign}.{digits}f}, {interval.high * scale:{sign}.{digits}f}]"


def significant_digits(*values: float, count: int = 2) -> int:
    """Return how many decimals show `count` significant digits of the largest value, at most 6."""
    largest = max((abs(value) for value in values), default=0.0) or 1.0
    return min(6, max(0, count - 1 - math.floor(math.log10(largest))))


def spread_cell(values: Sequence[float]) -> str:
    """Write the median and the ends with three significant digits or all before the point."""
    median, low, high = (
        f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        for value in (statistics.median(values), min(values), max(values))
    )
    return f"{median} [{low}, {high}]"
