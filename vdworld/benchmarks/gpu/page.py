"""The results of the GPU check as a self-contained HTML page and as Markdown."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources

from vdworld.benchmarks.gpu.isolation import Outcome
from vdworld.benchmarks.gpu.settings import PartResult
from vdworld.evaluation.report.table import Table

TITLE = "vdworld on a GPU"


@dataclass(frozen=True)
class Part:
    """One part of the check and its outcome.

    Args:
        name: Its name in the JSON file.
        title: Its title on the page.
        outcome: How it ended; its result is a ``PartResult``.
    """

    name: str
    title: str
    outcome: Outcome = field(default_factory=lambda: Outcome("not run", message="Not started yet."))

    @property
    def result(self) -> PartResult:
        """The results; empty if the part did not finish."""
        return self.outcome.result or PartResult()

    @property
    def status(self) -> str:
        """The status of the outcome, or ``"failed"`` for a part that finished with a problem, such as failed tests."""
        return "failed" if self.result.problem else self.outcome.status

    @property
    def message(self) -> str:
        """What went wrong, or why the part was left out; empty if neither."""
        return self.result.problem or self.outcome.message


def page(parts: Sequence[Part], about: Mapping[str, str], needs: str) -> str:
    """Return the whole HTML page.

    Args:
        parts: The parts in order.
        about: Device, date, versions and seed, one line of text each.
        needs: The list of packages, as text.
    """
    headlines = [part.result.headline for part in parts if part.result.headline is not None]
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(words)}</span></div>' for value, words in headlines
    )
    stylesheet = resources.files("vdworld.evaluation.report").joinpath("templates/report.css").read_text()
    sections = [
        f'<header><p class="kicker">vdworld · GPU check</p><h1>{escape(TITLE)}</h1>',
        f"<p>{escape(about.get('device', ''))} · {escape(about.get('date', ''))}</p></header>",
        f'<div class="cards">{cards}</div>',
        f"<section><h2>Parts</h2>{_table(overview(parts))}</section>",
        *(_section(part) for part in parts),
        f"<section><h2>Packages</h2><pre>{escape(needs)}</pre></section>",
        f"<section><h2>Reproduce these figures</h2>{_facts(about)}</section>",
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(TITLE)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{stylesheet}'
        "pre { overflow-x: auto; font-size: 12px; }</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def markdown(parts: Sequence[Part], about: Mapping[str, str]) -> str:
    """Return a summary for the documentation: the facts about the run, and all tables and messages."""
    blocks = [f"# {TITLE}", "\n".join(f"- {name}: {value}" for name, value in about.items())]
    blocks += ["## Parts", _markdown_table(overview(parts))]
    for part in parts:
        for table in part.result.tables:
            blocks += [f"## {table.title}", _markdown_table(table), table.note]
        if part.message:
            blocks += [f"## {part.title}: {part.status}", f"```\n{part.message.strip()}\n```"]
    return "\n\n".join(block for block in blocks if block) + "\n"


def overview(parts: Sequence[Part]) -> Table:
    """Return status, duration and remark of every part, one part per row."""
    rows = tuple((part.title, part.status, f"{part.outcome.seconds:.0f} s", _remark(part)) for part in parts)
    return Table("Parts", ("", "outcome", "time", "remark"), rows)


def _remark(part: Part) -> str:
    """Return the most informative line of a message: the last line of a traceback, the first line of others."""
    lines = [line for line in part.message.strip().splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1 if lines[0].startswith("Traceback") else 0].strip()[:160]


def _section(part: Part) -> str:
    tables = "".join(f"<h3>{escape(table.title)}</h3>{_table(table)}" for table in part.result.tables)
    pictures = "".join(_figure(data, name) for name, data in part.result.pictures.items())
    message = f"<p>{escape(part.status)}</p><pre>{escape(part.message)}</pre>" if part.message else ""
    return f"<section><h2>{escape(part.title)}</h2>{message}{tables}{pictures}</section>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    lines = []
    for row in table.rows:
        if len(row) == 1:
            lines.append(f'<tr class="group"><th colspan="{len(table.columns)}">{escape(row[0])}</th></tr>')
        else:
            cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
            lines.append(f"<tr><th>{escape(row[0].strip())}</th>{cells}</tr>")
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="wide"><table>{body}</table></div>{note}'


def _figure(data: bytes, name: str) -> str:
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    words = escape(name.removesuffix(".png").replace("_", " "))
    return f'<figure class="png"><img alt="{words}" src="{source}"><figcaption>{words}</figcaption></figure>'


def _facts(facts: Mapping[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(key)}</dt><dd>{escape(value)}</dd>' for key, value in facts.items())}</dl>"


def _markdown_table(table: Table) -> str:
    width = len(table.columns)
    rows = [row + ("",) * (width - len(row)) for row in (table.columns, ("---",) * width, *table.rows)]
    return "\n".join(f"| {' | '.join(cell.strip().replace('|', ' ') for cell in row)} |" for row in rows)
