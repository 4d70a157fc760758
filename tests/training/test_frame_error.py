"""Claims about the error of frames: what it asks for, and what it counts."""

from __future__ import annotations

import pytest
import torch

from vdworld.training import LossWeights
from vdworld.training.frame_error import FAINT, change_divergence, frame_error


def row(*values: float) -> torch.Tensor:
    """A frame of grey pixels in one row ``[1, 3, 1, w]``."""
    return torch.tensor(values).expand(1, 3, 1, -1)


@pytest.mark.parametrize("side", [1, 2, 8])
@pytest.mark.parametrize("probability", [0.02, 0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    "weights", [LossWeights(), LossWeights(moving=5.0), LossWeights(static_l1=0.05), LossWeights(static_l1=9.0)]
)
def test_a_random_event_is_asked_for_as_often_as_it_happens(
    weights: LossWeights, probability: float, side: int
) -> None:
    """Among blends of what may come, the error is smallest for the blend in the proportion of the odds."""
    nothing = torch.full((1, 3, 16, 16), -0.5)
    event = nothing.clone()
    event[:, :, 4 : 4 + side, 4 : 4 + side] = 0.4
    share = torch.linspace(0, 1, 201)
    blends = torch.lerp(nothing, event, share[:, None, None, None])
    likely = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(0)).expand(201, -1, -1) + 0.01
    last = nothing.expand_as(blends)
    happens, fails = (
        frame_error(blends, target.expand_as(blends), last, weights, likely) for target in (event, nothing)
    )
    expected = probability * happens + (1 - probability) * fails
    assert share[expected.argmin()].item() == pytest.approx(probability, abs=1e-6)


def test_a_frame_s_error_counts_all_pixels_and_once_more_those_that_are_likely_to_change() -> None:
    """Of eight pixels four are likely to move, with errors 0.2; of the others one is wrong, by 0.1."""
    last, target = row(*[0.0] * 8), row(*[0.5] * 4, *[0.0] * 4)
    estimate = row(*[0.3] * 4, 0.1, 0.0, 0.0, 0.0)
    likely = torch.tensor([3.0] * 4 + [1.0] * 4)[None, None]
    squared, moving = (4 * 0.04 + 0.01) / 8, (12 * 0.04 + 0.01) / 16
    divergence = change_divergence(estimate, target).mean().item()
    for weights, expected in (
        (LossWeights(moving=0.0), squared),
        (LossWeights(moving=0.5), squared + 0.5 * moving),
        (LossWeights(moving=0.0, static_l1=2.0), squared + 2 * divergence),
    ):
        assert frame_error(estimate, target, last, weights, likely).item() == pytest.approx(expected)


@pytest.mark.parametrize("side", [2, 8])
def test_what_moves_counts_as_much_when_it_is_small(side: int) -> None:
    last, likely = torch.zeros(1, 3, 16, 16), torch.full((1, 16, 16), 1e-6)
    target = last.clone()
    target[:, :, :side, :side], likely[:, :side, :side] = 0.8, 1.0
    all_pixels, with_motion = (frame_error(last, target, last, LossWeights(moving=w), likely) for w in (0.0, 1.0))
    assert (with_motion - all_pixels).item() == pytest.approx(0.8**2, rel=1e-3)


def test_faint_changes_of_what_rests_cost_their_absolute_value() -> None:
    estimates = torch.tensor([-0.5, -0.1, 0.1, 0.5])
    costs = change_divergence(estimates, torch.zeros(4))
    assert (costs / estimates.abs()).tolist() == pytest.approx([1.0] * 4, abs=0.25)
    slope = torch.autograd.functional.jacobian(lambda x: change_divergence(x, torch.zeros(())), torch.tensor(5 * FAINT))
    assert slope.item() == pytest.approx(5 / 6, rel=1e-4)  # of a squared error it would be ten grey levels, .08


def test_the_divergence_of_changes_is_zero_where_they_agree_and_positive_elsewhere() -> None:
    changes = torch.linspace(-2, 2, 41, dtype=torch.float64)
    costs = change_divergence(changes[:, None], changes)
    assert costs.diagonal().abs().max() < 1e-12
    assert (costs + torch.eye(41) > 1e-4).all()


def test_out_of_range_predictions_are_not_penalised() -> None:
    last = target = row(1.0, -1.0, 1.0, 0.9)
    for weights in (LossWeights(moving=0.0), LossWeights(moving=0.0, static_l1=1.0)):
        estimate = row(1.3, -1.2, 0.8, 1.1).clone().requires_grad_(True)
        error = frame_error(estimate, target, last, weights)
        if not weights.static_l1:
            assert error.item() == pytest.approx((0.2**2 + 0.2**2) / 4)
        error.sum().backward()
        assert estimate.grad is not None
        assert (estimate.grad[0, 0, 0] != 0).tolist() == [False, False, True, True]
