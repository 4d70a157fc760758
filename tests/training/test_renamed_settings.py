"""Former names of trainer settings lead to the present ones, which exist."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import pytest

from vdworld.training import TrainerSettings
from vdworld.training.renamed_settings import RENAMED, present_name


def names() -> set[str]:
    """Return the fields of the trainer's settings, those of its groups after a dot."""
    settings = TrainerSettings(max_steps=1)
    groups = {name.name: getattr(settings, name.name) for name in fields(settings)}
    inner = {f"{g}.{field.name}" for g, value in groups.items() if is_dataclass(value) for field in fields(value)}
    return {*groups, *inner}


@pytest.mark.parametrize("former", RENAMED)
def test_a_present_name_is_a_setting_and_a_former_one_is_not(former: str) -> None:
    assert present_name(former) in names()
    assert former not in names()


def test_a_field_that_kept_its_name_moves_with_its_group() -> None:
    assert present_name("hiding.context_noise") == "corruption.context_noise"
    assert present_name("corruption.context_noise") is None
    assert present_name("weights.moving") is None
