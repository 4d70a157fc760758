"""``vdworld.benchmarks`` hands its public names on when they are first used, so that importing it is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import vdworld.benchmarks as benchmarks


@pytest.mark.parametrize("name", benchmarks.__all__)
def test_a_public_name_is_what_it_says(name):
    assert getattr(benchmarks, name).__name__ == name


def test_the_static_names_are_those_handed_on():
    tree = ast.parse(Path(benchmarks.__file__ or "").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    static = {alias.name: node.module for node in block.body for alias in node.names}  # type: ignore[union-attr]
    assert static == benchmarks._NAMES
    assert set(benchmarks.__all__) == set(static)


def test_importing_the_package_loads_none_of_its_modules():
    code = "import sys, vdworld.benchmarks; print(*(name for name in sys.modules if name.startswith('vdworld')))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert set(printed.split()) == {"vdworld", "vdworld.benchmarks"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'vdworld.benchmarks' has no attribute 'measure_sped'"):
        benchmarks.measure_sped  # noqa: B018
