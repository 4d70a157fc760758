"""Tables of text, and the format of the numbers in them."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from vdworld.metrics import Interval


@dataclass(frozen=True)
class Table:
    """A table of text.

    Args:
        title: What the table is about.
        columns: Headings; the first is above the row labels.
        rows: Cells; a row of one cell is the heading of a group of rows.
        note: Explains the figures.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def text(self) -> str:
        """Return the table as text for a terminal."""
        rows = [self.columns, *self.rows]
        widths = [max(len(row[i]) for row in rows if len(row) > 1) for i in range(len(self.columns))]
        rule = "  ".join("─" * width for width in widths)
        lines = [self.title, _line(self.columns, widths), rule]
        lines += [row[0] if len(row) == 1 else _line(row, widths) for row in self.rows]
        return "\n".join([*lines, *textwrap.wrap(self.note, width=max(80, len(rule)))])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    others = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "  ".join([cells[0].ljust(widths[0]), *others]).rstrip()


def cell(interval: Interval, digits: int = 1, *, signed: bool = False, percent: bool = False) -> str:
    """Return a mean and its interval as text, such as ``19.5 [19.1, 19.9]``; a dash if there is no value.

    A negative number that rounds to zero is shown as zero.
    """
    if math.isnan(interval.mean):
        return "-"
    scale, unit = (100, "%") if percent else (1, "")
    form = f"{'+' if signed else ''}.{digits}f"
    mean, low, high = (
        f"{round(value * scale, digits) + 0.0:{form}}" for value in (interval.mean, interval.low, interval.high)
    )
    return f"{mean}{unit}" if math.isnan(interval.low) else f"{mean}{unit} [{low}, {high}]"


def significant_digits(*values: float, count: int = 2) -> int:
    """Return the number of decimals that shows `count` significant digits of the largest value, at most 6."""
    largest = max((abs(value) for value in values), default=0.0) or 1.0
    return min(6, max(0, count - 1 - math.floor(math.log10(largest))))


def spread_cell(values: Sequence[float]) -> str:
    """Return the median and the range as text, such as ``1,100 [1,000, 1,200]``."""
    median, low, high = map(three_digits, (statistics.median(values), min(values), max(values)))
    return f"{median} [{low}, {high}]"


def three_digits(value: float) -> str:
    """Return a number as text, with three significant digits or all those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
