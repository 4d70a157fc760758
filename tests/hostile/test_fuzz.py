"""Damaged folders of every kind are read unchanged, or refused in one line that names the file."""

from __future__ import annotations

import pytest

from tests.hostile.fuzz import Fuzz


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory: pytest.TempPathFactory) -> Fuzz:
    return Fuzz(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("seeds", [range(60), pytest.param(range(1000, 1500), marks=pytest.mark.slow)], ids=len)
def test_damage_is_named_in_one_line_or_changes_nothing(fuzz: Fuzz, seeds: range) -> None:
    outcomes = [fuzz.run(seed) for seed in seeds]
    wrong = [f"{outcome.kind}: {outcome.damage}: {outcome.text}" for outcome in outcomes if outcome.is_wrong]
    assert not wrong, "\n\n".join(wrong)
    assert {"refused", "unchanged"} <= {outcome.kind for outcome in outcomes}
