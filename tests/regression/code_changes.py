"""Mutants: code with one small change inside a function.

An operator is swapped, a number or a truth value changed, a call or a statement left out, a condition negated. Default
values, module constants, annotations, decorators, assertions, text, and what is raised stay as they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

PAIRS = [(ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.BitOr, ast.BitAnd), (ast.LShift, ast.RShift)]
PAIRS += [(ast.And, ast.Or), (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)]
NEGATED = [(ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn)]
SWAPS = {one: other for pair in PAIRS + NEGATED for one, other in (pair, pair[::-1])}
SWAPS |= {ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult}

Node = ast.expr | ast.stmt
Change = tuple[Node, str]
"""A node, and the code that takes its place."""


@dataclass(frozen=True)
class Mutant:
    """A file with the bytes from `start` to `end`, which are `old`, replaced by `new`."""

    file: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        old, new = (text if len(text) <= 60 else f"{text[:57]}..." for text in map(one_line, (self.old, self.new)))
        return f"{self.file}:{self.line}: {old} -> {new}"

    @property
    def folder(self) -> str:
        parts = Path(self.file).parts
        return "/".join(parts[: 2 if parts[0] == "vdworld" else 1])

    def write(self, tree: Path) -> None:
        source = (tree / self.file).read_bytes()
        (tree / self.file).write_bytes(source[: self.start] + self.new.encode() + source[self.end :])


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def edited(node: Node, **fields: Any) -> Change:
    """Change fields of a node."""
    text = ast.unparse(type(node)(**{**dict(ast.iter_fields(node)), **fields}))
    return node, text if isinstance(node, ast.stmt) else f"({text})"


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def operators(node: ast.AST) -> Iterator[Change]:
    """Swap operators, and leave out signs. Text that is joined stays as it is."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in SWAPS:
        if not any(map(is_text, ast.iter_child_nodes(node))):
            yield edited(node, op=SWAPS[type(node.op)]())
    elif isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            yield edited(node, ops=[*node.ops[:i], SWAPS[type(op)](), *node.ops[i + 1 :]])
    elif isinstance(node, ast.UnaryOp):
        yield node, f"({ast.unparse(node.operand)})"


def constants(node: ast.AST) -> Iterator[Change]:
    """Change a truth value, add one to an integer, and half as much again to another number."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        value = node.value
        larger = value + 1 if isinstance(value, int) else float(f"{1.5 * value:g}") or 1.0
        yield edited(node, value=not value if isinstance(value, bool) else larger)


def conditions(node: ast.AST) -> Iterator[Change]:
    """Negate conditions, except where a swapped operator does the same."""
    tests = node.ifs if isinstance(node, ast.comprehension) else [getattr(node, "test", None)]
    for test in filter(None, tests):
        is_pair = isinstance(test, ast.Compare) and any(type(test.ops[0]) in pair for pair in NEGATED)
        if not (is_pair or isinstance(test, ast.Constant | ast.UnaryOp)):
            yield test, f"(not ({ast.unparse(test)}))"


def calls(node: ast.AST, imported: set[str]) -> Iterator[Change]:
    """Leave out a method's call, and that of a function with one argument."""
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Attribute):
        owner = ast.unparse(node.func.value)
        if not is_text(node.func.value) and owner.split(".")[0] not in {*imported, "self", "cls", "super()"}:
            yield node, f"({owner})"
    elif len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred | ast.GeneratorExp):
        yield node, f"({ast.unparse(node.args[0])})"


def statements(node: ast.AST) -> Iterator[Change]:
    """Leave out a statement that hands on no value and binds no name."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.Delete):
        targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
        if not any(isinstance(target, ast.Name | ast.Tuple) for target in targets):
            yield node, "pass"
    elif isinstance(node, ast.Expr):
        if not isinstance(node.value, ast.Constant):  # a docstring
            yield node, "pass"
    elif isinstance(node, ast.AugAssign | ast.Raise | ast.Continue | ast.Break):
        yield node, "pass"


def functions(node: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions of a module and of its classes."""
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield from functions(child)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child


def nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and those below it that may change."""
    if isinstance(node, ast.Assert | ast.JoinedStr | ast.arguments):
        return
    yield node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list", "exc", "cause"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from nodes(child)


def mutants_of(root: Path, file: str) -> list[Mutant]:
    """Return all mutants of a file, in the order of their places."""
    source = (root / file).read_bytes()
    tree, lines = ast.parse(source), [0, *accumulate(map(len, source.splitlines(keepends=True)))]
    aliases = [
        alias for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    ]
    imported = {(alias.asname or alias.name).split(".")[0] for alias in aliases}
    bodies = [node for function in functions(tree) for statement in function.body for node in nodes(statement)]
    whole = {id(node.value) for node in bodies if isinstance(node, ast.Expr)}  # calls that are statements
    mutants = set()
    for node in bodies:
        changes = [*operators(node), *constants(node), *conditions(node), *statements(node)]
        changes += [] if id(node) in whole else calls(node, imported)
        for old, new in changes:
            assert old.end_lineno is not None  # the parser sets both
            assert old.end_col_offset is not None
            start, end = lines[old.lineno - 1] + old.col_offset, lines[old.end_lineno - 1] + old.end_col_offset
            mutants.add(Mutant(file, old.lineno, start, end, source[start:end].decode(), new))
    return sorted(mutants, key=lambda mutant: (mutant.start, mutant.end, mutant.new))
