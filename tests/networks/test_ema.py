from __future__ import annotations

import pytest
import torch
from torch import nn

from vdworld.networks import ExponentialMovingAverage


class OneWeight(nn.Module):
    count: torch.Tensor

    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([value]))
        self.register_buffer("count", torch.tensor(0))


def test_the_average_by_hand() -> None:
    module = OneWeight(0.0)
    average = ExponentialMovingAverage(module, decay=0.999)
    module.weight.data.fill_(21.0)
    average.update(module)
    assert average.average.weight.item() == pytest.approx(19.0)  # decay 2 / 21
    module.weight.data.fill_(8.0)
    average.update(module)
    assert average.average.weight.item() == pytest.approx(19 * 3 / 22 + 8 * 19 / 22)  # decay 3 / 22


def test_the_decay_has_an_upper_limit() -> None:
    module = OneWeight(0.0)
    average = ExponentialMovingAverage(module, decay=0.05)
    module.weight.data.fill_(1.0)
    average.update(module)
    assert average.average.weight.item() == pytest.approx(0.95)


def test_constant_weights_are_their_own_average_and_buffers_are_copied() -> None:
    module = OneWeight(3.0)
    average = ExponentialMovingAverage(module)
    for _ in range(5):
        module.count += 1
        average.update(module)
    assert (average.average.weight.item(), int(average.average.count)) == (3.0, 5)


def test_the_average_is_a_copy_at_rest() -> None:
    module = OneWeight(1.0)
    average = ExponentialMovingAverage(module)
    assert not average.average.training
    assert not average.average.weight.requires_grad
    assert module.training
    assert module.weight.requires_grad
    average.average.weight.fill_(7.0)
    assert module.weight.item() == 1.0


def test_a_decay_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`decay` must lie in \[0, 1\), got 1"):
        ExponentialMovingAverage(OneWeight(0.0), decay=1)
