"""Claims about examples/08_stable_worldmodel.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.agents.their_solvers import import_solvers
from tests.envs import random_world as random_worlds
from tests.examples.learning_examples import import_example, run_example

import_solvers()
NAME = "08_stable_worldmodel.py"


def test_it_compares_plans_with_random_actions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = random_worlds.random_world().save_pretrained(tmp_path / "world")
    run_example(NAME, monkeypatch, str(world), "6")
    printed = capsys.readouterr().out
    assert "The dreamt return of 6 random actions:" in printed
    assert "The dreamt return of 6 planned actions:" in printed


def test_plans_beat_random_actions_where_there_is_something_to_gain(capsys: pytest.CaptureFixture[str]) -> None:
    example, world = import_example(NAME), random_worlds.random_world()
    with torch.no_grad():
        world.heads.output.weight[0] *= 20
    assert example["act_by_plan"](world, 8) > example["act_at_random"](world, 8)
