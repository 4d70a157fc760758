"""What may depend on what, beyond the contracts in pyproject.toml."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"vdworld": ROOT / "vdworld", "vdworld.envs": ROOT / "envs", "vdworld.agents": ROOT / "agents"}


def module_files() -> dict[str, Path]:
    """Return every module of the package with its file."""
    files = {}
    for package, folder in FOLDERS.items():
        for path in folder.rglob("*.py"):
            if not any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(folder)):
                parts = path.relative_to(folder).with_suffix("").parts
                files[".".join([package, *(part for part in parts if part != "__init__")])] = path
    return files


FILES = module_files()


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes, those inside of functions included, but none that only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from nodes(node)


def imports(module: str) -> set[str]:
    """Return the modules of the package that a module imports, with the packages that they lie in."""
    names = set()
    for node in nodes(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parents = {".".join(name.split(".")[:depth]) for name in names for depth in range(2, name.count(".") + 2)}
    return {name for name in parents if name in FILES}


def closure(module: str) -> set[str]:
    """Return all modules of the package that a module imports, directly or not."""
    reached, pending = set(), {module}
    while pending:
        reached |= pending
        pending = set().union(*map(imports, pending)) - reached
    return reached


@pytest.mark.parametrize("module", ["vdworld.evaluation", "vdworld.evaluation.evaluate"])
def test_an_evaluation_needs_no_benchmark(module):
    reached = closure(module)
    assert "vdworld.evaluation.prediction" in reached
    assert {name for name in reached if name.startswith("vdworld.benchmarks")} == set()


def test_the_closure_follows_imports_through_packages_and_functions():
    assert "vdworld.networks.stacked_unet" in closure("vdworld.evaluation")
    assert "vdworld.benchmarks.plots" in closure("vdworld.benchmarks.speed")


def requires_matplotlib(module: str) -> bool:
    for node in nodes(ast.parse(FILES[module].read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("require", "import_module"):
            names += [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
        if any(str(name).partition(".")[0] == "matplotlib" for name in names):
            return True
    return False


def test_matplotlib_is_required_by_the_report_and_the_plots_of_benchmarks_alone():
    modules = {module for module in FILES if requires_matplotlib(module)}
    assert modules
    allowed = ("vdworld.evaluation.report.", "vdworld.benchmarks.plots")
    assert {module for module in modules if not module.startswith(allowed)} == set()


def imported_at_once(module: str) -> set[str]:
    """Return the modules that importing a module runs, those imported within functions left out."""
    tree = ast.parse(FILES[module].read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = set()
    for node in tree.body:
        assert isinstance(node, ast.ImportFrom | ast.Import)
        prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        whole = {f"{prefix}{alias.name}" for alias in node.names}
        names |= {name if name in FILES else prefix.rstrip(".") for name in whole}
    return {name for name in names if name in FILES and name != "vdworld"}


def test_no_module_imports_itself_by_way_of_others():
    remaining = {module: imported_at_once(module) - {module} for module in FILES if module != "vdworld"}
    assert len(remaining) > 200
    while free := [module for module, needed in remaining.items() if not needed & remaining.keys()]:
        for module in free:
            del remaining[module]
    assert remaining == {}, "these import each other"
