"""Claims about the curriculum of motion: when it holds, what it does to the error, and that it ends."""

from __future__ import annotations

import pytest
import torch

from vdworld.training import LossWeights, MotionCurriculum, TrainerSettings
from vdworld.training.frame_error import frame_error
from vdworld.training.stages import plan_step


def emphasis_at(progress: float, *, is_new: bool = True, curriculum: MotionCurriculum | None = None) -> float:
    settings = TrainerSettings(max_steps=10, motion_curriculum=curriculum or MotionCurriculum())
    return plan_step(settings, progress, False, torch.Generator(), is_new=is_new).change_emphasis


def test_attention_to_changes_falls_from_one_to_zero_and_stays_there() -> None:
    values = [emphasis_at(progress) for progress in (0.0, 0.3, 0.45, 0.6, 0.7, 1.0)]
    assert values == pytest.approx([1.0, 1.0, 0.5, 0.0, 0.0, 0.0])


def test_a_curriculum_of_no_length_never_begins() -> None:
    assert emphasis_at(0.0, curriculum=MotionCurriculum(until=0.0, after=0.0)) == 0


def test_a_trained_world_begins_without_it() -> None:
    assert emphasis_at(0.0, is_new=False) == 0


def test_its_end_is_a_new_stage_so_that_the_learning_rate_does_not_fall_for_it() -> None:
    settings = TrainerSettings(max_steps=10)
    stages = [plan_step(settings, progress, False, torch.Generator()).stage for progress in (0.5, 0.65)]
    assert stages == ["changes first", ""]


@pytest.mark.parametrize(("until", "after"), [(-0.1, 0.5), (0.5, 0.4), (0.5, 1.1)])
def test_shares_out_of_order_are_refused(until: float, after: float) -> None:
    with pytest.raises(ValueError, match=r"`motion_curriculum` must have 0 <= until <= after <= 1, got until="):
        MotionCurriculum(until, after)


@pytest.mark.parametrize("side", [1, 2, 8])
def test_with_it_a_missed_change_costs_as_much_whatever_its_size_from_four_pixels_on(side: int) -> None:
    last = torch.zeros(1, 3, 16, 16)
    target = last.clone()
    target[:, :, :side, :side] = 0.8
    error = frame_error(last, target, last, LossWeights(moving=1.0), 1.0, 1.0)
    area = side**2
    assert error.item() == pytest.approx(0.64 * (area / 256 + min(area / 4, 1)))


def test_without_any_change_it_adds_nothing() -> None:
    last = torch.zeros(2, 3, 8, 8)
    estimate = last + 0.1
    assert frame_error(estimate, last, last, LossWeights(), 1.0, 1.0).tolist() == pytest.approx([0.01] * 2)
