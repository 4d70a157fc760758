"""The page, the summary and the report show how every part ended."""

from __future__ import annotations

from vdworld.benchmarks.gpu.isolation import Outcome
from vdworld.benchmarks.gpu.page import Part, markdown, overview
from vdworld.benchmarks.gpu.report import GpuReport
from vdworld.benchmarks.gpu.settings import PartResult
from vdworld.evaluation.report.table import Table


def test_parts_that_are_left_out_do_not_fail_the_check():
    parts = tuple(Part(status, status, Outcome(status)) for status in ("done", "not run"))
    assert not GpuReport(parts, {}, "").failed
    for status in ("failed", "out of time"):
        assert GpuReport((*parts, Part("x", "x", Outcome(status))), {}, "").failed


def test_the_overview_shows_the_last_line_of_a_traceback():
    message = "Traceback (most recent call last):\n  File\nValueError: no\n"
    assert overview([Part("x", "X", Outcome("failed", message=message, seconds=2.0))]).rows == (
        ("X", "failed", "2 s", "ValueError: no"),
    )


def test_a_markdown_table_keeps_its_columns():
    result = PartResult((Table("Title", ("", "a|b"), (("group",), ("row", "1"))),))
    lines = markdown([Part("x", "X", Outcome("done", result))], {}).splitlines()
    assert {"|  | a b |", "| group |  |", "| row | 1 |"} <= set(lines)
