from __future__ import annotations

import math
from pathlib import Path

import pytest

from vdworld.extras import require


def test_a_package_that_is_there_is_imported() -> None:
    assert require("math", "data") is math


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ImportError, match=r'`no_such_package` is required for this.*pip install "vdworld\[data\]"'):
        require("no_such_package.part", "data")


def test_an_error_inside_the_package_is_not_taken_for_its_absence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_there.py").write_text("import what_it_needs")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="^No module named 'what_it_needs'$"):
        require("half_there", "data")
