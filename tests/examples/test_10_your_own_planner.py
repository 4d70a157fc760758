"""Claims about examples/10_your_own_planner.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.agents.planning.analytic_problems import closeness, make_problem, rng
from tests.envs.random_world import random_world
from tests.examples.learning_examples import import_example, run_example
from vdworld.agents import PlanningMethod

EXAMPLE = Path(__file__).parents[2] / "examples" / "10_your_own_planner.py"


def test_the_planner_is_a_method_and_finds_the_optimum() -> None:
    method = import_example(EXAMPLE.name)["HillClimbing"](horizon=3, num_candidates=200, num_iterations=5)
    assert isinstance(method, PlanningMethod)
    target = torch.rand(2, 3, 2, generator=rng(1)) * 1.6 - 0.8
    plan = method.plan(make_problem(torch.zeros_like(target), closeness(target), rng()))
    assert (plan - target).abs().max() < 0.2


def test_the_planner_takes_thirty_lines() -> None:
    text = EXAMPLE.read_text()
    body = text[text.index("class HillClimbing") : text.index("def train_small_world")].strip()
    assert len(body.splitlines()) <= 30


def test_it_runs_in_a_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    world = random_world().save_pretrained(tmp_path / "world")
    run_example(EXAMPLE.name, monkeypatch, str(world), "3")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["HillClimbing", "CrossEntropy", "RandomShooting"]
