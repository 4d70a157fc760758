"""Claims about numbers as distributions over bins."""

from __future__ import annotations

import torch

from vdworld.agents.policies import two_hot

VALUES = torch.tensor([-100_000.0, -3.7, -0.01, 0.0, 0.5, 1.0, 66.6, 12_345.0])


def test_the_mean_of_the_two_bins_is_the_value():
    weights = two_hot.two_hot(VALUES)
    assert ((weights > 0).sum(dim=-1) <= 2).all()
    torch.testing.assert_close(two_hot.mean(weights.clamp(min=1e-38).log()), VALUES, rtol=1e-4, atol=1e-4)


def test_values_beyond_the_outermost_bins_are_clipped():
    weights = two_hot.two_hot(torch.tensor([1e9, -1e9]))
    assert weights[0, -1] == 1
    assert weights[1, 0] == 1


def test_equal_logits_mean_exactly_zero():
    assert two_hot.mean(torch.zeros(3, two_hot.NUM_BINS)).tolist() == [0.0, 0.0, 0.0]


def test_the_loss_is_smallest_for_the_true_value():
    logits = two_hot.two_hot(VALUES).clamp(min=1e-6).log().requires_grad_(True)
    two_hot.loss(logits, VALUES).sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-3


def test_gradient_steps_lead_to_the_value():
    logits = torch.zeros(len(VALUES), two_hot.NUM_BINS, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(200):
        optimizer.zero_grad()
        two_hot.loss(logits, VALUES).sum().backward()
        optimizer.step()
    torch.testing.assert_close(two_hot.mean(logits).detach(), VALUES, rtol=0.02, atol=0.02)
