"""Claims about the mutation campaign, on a package of one file."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.regression.code_changes import mutants_of
from tests.regression.mutants import draw, find_mutants, find_tests, main, run_tests, wilson

SOURCE = '''"""A module with 1 docstring."""

from dataclasses import dataclass, field

LIMIT = 7


@dataclass(frozen=True)
class Range:
    low: float = 0.5

    def holds(self, value: "float | None" = 3.0, *, strict: bool = False) -> "int | None":
        """Say whether a value is 1 of those inside."""
        assert value > -100, "1 message"
        number: "int | float" = value
        if number is None:
            raise ValueError(f"`value` must be {LIMIT + 1} numbers, " + "not 0") from OSError(2)
        return number > self.low
'''
TEST = """from vdworld.toys.counter import Range

def test_higher_values_are_inside():
    assert Range().holds(1.0)
    assert not Range().holds(0.0)
"""


FILE = "vdworld/toys/counter.py"


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Path]:
    """Write a package ``vdworld.toys`` of one file, with one test."""

    def write(source: str = SOURCE, test: str = TEST) -> Path:
        root = tmp_path / "repository"
        for name, text in ((FILE, source), ("tests/toys/test_counter.py", test), ("vdworld/__init__.py", "")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    return write


def changes(root: Path) -> set[tuple[str, str]]:
    return {(mutant.old, mutant.new) for mutant in mutants_of(root, FILE)}


def contents(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_defaults_constants_annotations_assertions_and_text_are_left_alone(repository: Callable[..., Path]) -> None:
    raised = SOURCE[SOURCE.index("raise") : SOURCE.index("        return")].strip()
    assert changes(repository()) == {
        ("number is None", "(number is not None)"),
        (raised, "pass"),
        ("number > self.low", "(number >= self.low)"),
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return a + 2", {("a + 2", "(a - 2)"), ("2", "(3)")}),
        ("return 0.5 if a else -1.0", {("0.5", "(0.75)"), ("a", "(not (a))"), ("-1.0", "(1.0)"), ("1.0", "(1.5)")}),
        ("return not a", {("not a", "(a)")}),
        ("return 0 < a == b", {("0", "(1)"), ("0 < a == b", "(0 <= a == b)"), ("0 < a == b", "(0 < a != b)")}),
        ("return [x for x in a if x and b]", {("x and b", "(x or b)"), ("x and b", "(not (x and b))")}),
        ("while True:\n  break", {("True", "(False)"), ("break", "pass")}),
        ("a.b = b\n c = a", {("a.b = b", "pass")}),
        ("a += b", {("a += b", "a -= b"), ("a += b", "pass")}),
        ("a.clear()", {("a.clear()", "pass")}),
        ("return a.mean(b)", {("a.mean(b)", "(a)")}),
        ("return math.sqrt(b)", set()),
        ("return abs(b), self.get(b), max(a, b)", {("abs(b)", "(b)")}),
        ("return 'é' + b, f'{a + 1}', '1'.join(a), a < b", {("a < b", "(a <= b)")}),
        ("@cache(1)\n def g(x: int = 1) -> int:\n  return lambda y=2: y", set()),
    ],
)
def test_one_place_changes_at_a_time(
    repository: Callable[..., Path], body: str, expected: set[tuple[str, str]]
) -> None:
    source = f"import math\ndef f(self, a, b):\n {body}\n"
    root = repository(source)
    assert changes(root) == expected
    for mutant in mutants_of(root, FILE):
        mutant.write(root)
        mutated = (root / FILE).read_text()
        assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(source))
        assert len(mutated) - len(source) == len(mutant.new) - len(mutant.old)
        (root / FILE).write_text(source)


def test_mutants_are_caught_or_survive_and_the_tree_stays_as_it_is(
    repository: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root, log = repository(), tmp_path / "log.jsonl"
    before = contents(root)
    arguments = ["vdworld/toys", "--one-in", "1", "--root", str(root), "--log", str(log)]
    main(arguments)
    assert contents(root) == before
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 places in 1 files, 3 drawn."
    shown = sorted(line.rpartition(" (")[0] for line in lines[1:4])
    assert shown[0] == f"{FILE}:16: number is None -> (number is not None): caught"
    assert shown[1].startswith(f"{FILE}:17: raise ValueError(")
    assert shown[1].endswith("... -> pass: survived")
    assert shown[2] == f"{FILE}:18: number > self.low -> (number >= self.low): survived"
    assert "| vdworld/toys | 3 | 1 | 2 | 0 |" in lines
    assert lines[-1] == "33% of 3 are caught [6%, 79%]."

    (root / "tests/toys/test_counter.py").write_text(TEST + "    assert not Range().holds(0.5)\n")
    main(arguments)
    assert "| vdworld/toys | 3 | 1 | 2 | 0 |" in capsys.readouterr().out, "the log has all results"
    main([*arguments, "--retry"])
    assert "| vdworld/toys | 3 | 2 | 1 | 0 |" in capsys.readouterr().out
    assert len(log.read_text().splitlines()) == 3 + 2


def test_code_that_fails_its_tests_has_no_mutants(repository: Callable[..., Path]) -> None:
    root = repository(test=TEST.replace("assert not", "assert"))
    with pytest.raises(SystemExit, match=r"(?s)The unchanged code fails its tests:.*test_higher_values_are_inside"):
        main(["vdworld/toys", "--root", str(root)])


def test_tests_that_never_end_are_stopped(repository: Callable[..., Path]) -> None:
    root = repository(test="def test_patience():\n    while True:\n        pass\n")
    assert run_tests(root, ["tests/toys/test_counter.py"], limit=2)[0] == "timeout"


def test_a_draw_takes_one_in_so_many_of_each_file_whatever_the_others_hold(repository: Callable[..., Path]) -> None:
    root = repository("def f(a):\n return " + " + ".join(["a"] * 21) + "\n")
    (root / "vdworld/toys/other.py").write_text("def g(a):\n return a + 1\n")
    both, one = find_mutants(root, ["vdworld"]), find_mutants(root, [FILE])
    assert [len(mutants) for mutants in both.values()] == [20, 2]
    drawn = draw(both, one_in=5, seed=3)
    assert Counter(mutant.file for mutant in drawn) == {FILE: 4, "vdworld/toys/other.py": 1}
    assert set(draw(one, one_in=5, seed=3)) == {mutant for mutant in drawn if mutant.file == FILE}
    assert set(draw(one, one_in=5, seed=4)) != set(draw(one, one_in=5, seed=3))


def test_tests_are_those_that_mention_the_file_or_else_what_imports_it(repository: Callable[..., Path]) -> None:
    root = repository()
    (root / "vdworld/toys/box.py").write_text("from vdworld.toys.counter import Range\n\nclass Box: ...\n")
    tests = {"test_b.py": "Range", "test_a.py": "Range Range", "test_box.py": "", "test_c.py": "Ranges"}
    for name, text in tests.items():
        (root / "tests/toys" / name).write_text(text)
    mirrored = "tests/toys/test_{}.py".format
    assert find_tests(root, FILE) == [*map(mirrored, ("counter", "a", "b"))]
    for name in ("counter", "a", "b"):
        (root / mirrored(name)).unlink()
    assert find_tests(root, FILE) == [mirrored("box")]
    (root / mirrored("box")).unlink()
    assert find_tests(root, FILE) == []


def test_intervals_of_shares_are_those_of_wilson() -> None:
    """Newcombe (1998), table I, method 3."""
    for count, total, expected in ((81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611))):
        assert wilson(count, total) == pytest.approx(expected, abs=6e-5)
