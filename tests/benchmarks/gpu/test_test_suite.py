"""The tests marked gpu are collected, and their failures fail the part."""

from __future__ import annotations

from vdworld.benchmarks.gpu import needs
from vdworld.benchmarks.gpu.isolation import Outcome
from vdworld.benchmarks.gpu.page import Part, markdown, page
from vdworld.benchmarks.gpu.test_suite import read_junit, test_files


def test_failing_tests_fail_their_part_and_are_on_the_page(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="tests.a" name="one" time="1.25"/>'
        '<testcase classname="tests.a" name="two" time="0"><failure message="m">E  4 &lt; 5</failure></testcase>'
        "</testsuite></testsuites>"
    )
    part = Part("tests", "Tests", Outcome("done", read_junit(report)))
    assert part.status == "failed"
    assert part.result.tables[0].rows == (("a: one", "passed", "1.2 s"), ("a: two", "failed", "0.0 s"))
    assert "E  4 &lt; 5" in page([part], {}, "")
    assert "E  4 < 5" in markdown([part], {})


def test_the_files_with_gpu_tests_are_found():
    names = {path.name for path in test_files(needs.ROOT / "tests")}
    assert {"test_execution.py", "test_devices.py"} <= names
