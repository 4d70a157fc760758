"""The page of a report: one HTML file that needs nothing outside itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from vdworld.evaluation.controllers import IDLE, RANDOM
from vdworld.evaluation.drift import Drift
from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import Prediction
from vdworld.evaluation.report.stylesheet import STYLESHEET
from vdworld.evaluation.report.table import Table
from vdworld.evaluation.returns import Returns


def page(
    tables: Sequence[Table],
    prediction: Prediction,
    control: GoalReaching | Returns | None,
    about: Mapping[str, str],
    training: Mapping[str, Any],
    art: Mapping[str, bytes],
    drift: Drift | None = None,
) -> str:
    """Return the whole page.

    Args:
        tables: Prediction first, then control and drift if there are any.
        prediction: For the headline figures and the captions of the clips.
        control: Likewise for the agents.
        about: Where the figures come from, one line each.
        training: The world's training record.
        art: The pictures, by file name; they are put into the page.
        drift: For the headline figure about long dreams.
    """
    title = escape(about.get("environment", "World model"))
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(label)}</span><em>{escape(detail)}</em></div>'
        for value, label, detail in headlines(prediction, control, drift)
    )
    subtitle = " · ".join(escape(about[key]) for key in ("dataset", "date") if key in about)
    parts = [
        f'<header><p class="kicker">vdworld · evaluation of a learned world</p><h1>{title}</h1>',
        f"<p>{subtitle}</p></header>",
        f'<div class="cards">{cards}</div>',
        _control_section(tables, control, art),
        _prediction_section(tables[0], prediction, art),
        "" if drift is None else _drift_section(tables[-1], art),
        _facts("How the world was trained", _flat(training)),
        _facts("How to get these figures again", about),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title} · vdworld report</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLESHEET}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def headlines(
    prediction: Prediction, control: GoalReaching | Returns | None, drift: Drift | None = None
) -> list[tuple[str, str, str]]:
    """Return the few figures that matter most: value, what it is, what it stands beside."""
    cards = []
    if isinstance(control, GoalReaching):
        name = next(iter(control.attempts))
        if name not in (RANDOM, IDLE):
            remaining, success = (control.interval(name, m).mean for m in ("remaining", "success"))
            floor, luck = (control.interval(RANDOM, m).mean for m in ("remaining", "success"))
            cards.append((f"{success:.0%}", f"of goals reached by {name}", f"random {luck:.0%}"))
            cards.append((f"{remaining:.2f}", f"of the distance left by {name}", f"random {floor:.2f}"))
    elif control is not None:
        name = next(iter(control.plays))
        if name not in (RANDOM, IDLE):
            got, floor = control.interval(name).mean, control.interval(RANDOM).mean
            cards.append((f"{got:.4g}", f"mean return of {name}", f"random {floor:.4g}"))
    for step in dict.fromkeys((prediction.steps[0], prediction.steps[-1])):
        world, copied = (prediction.interval(name, step).mean for name in ("moving_psnr", "copy_moving_psnr"))
        ahead = "one step ahead" if step == 1 else f"{step} steps ahead"
        cards.append((f"{world:.1f} dB", f"moving pixels, {ahead}", f"copying the last frame {copied:.1f} dB"))
    if drift is not None:
        verdict = (
            "no collapse" if drift.collapse is None else f"{drift.verdict(drift.collapse)} by step {drift.collapse}"
        )
        cards.append((f"{drift.steps[-1]:,}", "steps dreamt on end", verdict))
    cards.append((f"{prediction.frames_per_second:,.0f}", "imagined frames per second", "all lanes together"))
    return cards


def _control_section(tables: Sequence[Table], control: GoalReaching | Returns | None, art: Mapping[str, bytes]) -> str:
    if control is None:
        return ""
    table = tables[1]
    body = _table(table)
    if isinstance(control, GoalReaching):
        films = "".join(
            _figure(art[f"attempt_{rank}.gif"], "gif", f"{words} of {next(iter(control.attempts))}")
            for rank, words in (("best", "The best start"), ("median", "A median start"), ("worst", "The worst start"))
        )
        body = (
            _figure(art["distance.png"], "png", "Mean over starts; bands are 95% bootstrap intervals.") + body + films
        )
    return f"<section><h2>{escape(table.title)}</h2>{body}</section>"


def _prediction_section(table: Table, prediction: Prediction, art: Mapping[str, bytes]) -> str:
    body = _figure(art["prediction.png"], "png", "Mean over clips; bands are 95% bootstrap intervals.") + _table(table)
    if prediction.calibration is not None:
        measured = prediction.calibration
        body += _figure(
            art["ends.png"],
            "png",
            f"{measured.num_events} ends in {measured.count} steps. Brier score {measured.brier:.4f} against "
            f"{measured.brier_of_rate:.4f} for always predicting the frequency; calibration error "
            f"{measured.error:.4f}.",
        )
    for picture in prediction.pictures:
        stem = f"clip_{picture.label.replace(' ', '_')}"
        caption = f"Episode {picture.episode} from step {picture.moment}"
        body += f"<h3>A clip that is {escape(picture.label)}</h3>"
        body += _figure(art[f"{stem}.png"], "png", "") + _figure(art[f"{stem}.gif"], "gif", caption)
    return f"<section><h2>Prediction of recorded episodes</h2>{body}</section>"


def _drift_section(table: Table, art: Mapping[str, bytes]) -> str:
    body = _figure(art["drift.png"], "png", "Lines: mean over dreams, with 10% to 90% of them. Grey: recorded film.")
    strip = _figure(art["drift_frames.png"], "png", "Dreams ranked by how near to recorded frames they end.")
    return f"<section><h2>{escape(table.title)}</h2>{body}{_table(table)}{strip}</section>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    rows = []
    for row in table.rows:
        if len(row) == 1:
            rows.append(f'<tr class="group"><th colspan="{len(table.columns)}">{escape(row[0])}</th></tr>')
            continue
        inner = ' class="inner"' if row[0].startswith(" ") else ""
        cells = "".join(f"<td>{_value(text)}</td>" for text in row[1:])
        rows.append(f"<tr><th{inner}>{escape(row[0].strip())}</th>{cells}</tr>")
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        f'<p class="note">{escape(table.note)}</p>'
    )


def _value(text: str) -> str:
    """Set a mean apart from its interval."""
    mean, bracket, rest = text.partition(" [")
    return f"{escape(mean)} <small>{escape(bracket.strip() + rest)}</small>" if bracket else escape(text)


def _figure(data: bytes, kind: str, caption: str) -> str:
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="{kind}"><img alt="{escape(caption)}" src="{source}">{words}</figure>'


def _facts(title: str, facts: Mapping[str, str]) -> str:
    if not facts:
        return ""
    rows = "".join(
        f"<dt>{escape(key.replace('_', ' '))}</dt><dd>{escape(str(value))}</dd>" for key, value in facts.items()
    )
    return f"<section><h2>{title}</h2><dl>{rows}</dl></section>"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Spread nested records out to one line each; long lists are left to ``report.json``."""
    lines: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            lines |= _flat(value, f"{name}: ")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            lines[name] = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
        elif value is not None and (isinstance(value, str) or not isinstance(value, Sequence) or len(value) <= 8):
            lines[name] = str(value)
    return lines
