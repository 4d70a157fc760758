"""Claims about the losses of outcomes, worked out by hand."""

from __future__ import annotations

import inspect
import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vdworld.training.loss_terms import outcome_loss

unchecked = inspect.unwrap(outcome_loss)  # beartype, at work in tests alone, refuses a stand-in of a world


def world_that_predicts(*answers: list) -> Any:
    """Stand in for a world whose heads predict rewards, continuation logits and readings."""
    return SimpleNamespace(heads=lambda features: tuple(torch.tensor(a) for a in answers), readings={"place": 2})


def test_each_outcome_counts_by_its_share() -> None:
    world = world_that_predicts([1.0, 3.0], [0.0, 20.0], [[0.0, 0.0]] * 2)
    rewards, continues, shares = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.75, 0.25])
    losses = unchecked(world, torch.zeros(2, 4), rewards, continues, torch.zeros(2, 2), shares)
    assert losses["reward"].item() == pytest.approx(0.75 * 1 + 0.25 * 9)
    assert losses["continuation"].item() == pytest.approx(0.75 * math.log(2), abs=1e-6)


def test_readings_that_were_not_recorded_count_nothing() -> None:
    """Three of four numbers were recorded, with shares .75, .25 and .25."""
    world = world_that_predicts([0.0, 0.0], [0.0, 0.0], [[1.0, 5.0], [2.0, 4.0]])
    readings = torch.tensor([[3.0, math.nan], [1.0, 4.0]])
    shares = torch.tensor([0.75, 0.25])
    losses = unchecked(world, torch.zeros(2, 4), torch.zeros(2), torch.zeros(2), readings, shares)
    assert losses["readings"].item() == pytest.approx((0.75 * 4 + 0.25 * 1 + 0.25 * 0) / (0.75 + 0.25 + 0.25))


def test_without_any_recorded_reading_their_loss_is_zero() -> None:
    world = world_that_predicts([0.0], [0.0], [[1.0, 5.0]])
    nothing = torch.full((1, 2), math.nan)
    losses = unchecked(world, torch.zeros(1, 4), torch.zeros(1), torch.zeros(1), nothing, torch.ones(1))
    assert losses["readings"].item() == 0
