"""Claims about the difference of two draws, and about its limit."""

from __future__ import annotations

import pytest
import torch

from vdworld.world.disagreement import UncertaintyLimit, accumulated, disagreement


def test_a_disagreement_is_the_root_mean_square_over_all_pixels_and_channels() -> None:
    one, other = torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    other[0], other[1, 0, 0, 0] = 0.5, -1.0
    torch.testing.assert_close(disagreement(one, other), torch.tensor([0.5, (1 / 12) ** 0.5]))


def test_the_uncertainty_of_steps_adds_up_like_independent_errors() -> None:
    total = accumulated(torch.tensor([3.0, 0.0]), torch.tensor([4.0, 0.5], dtype=torch.float16))
    torch.testing.assert_close(total, torch.tensor([5.0, 0.5]))


@pytest.mark.parametrize(("share", "expected"), [(0.25, [0.1, 1.5]), (0.75, [0.3, 2.5]), (1.0, [0.4, 3.0])])
def test_a_limit_lies_between_quantiles_and_the_whole_is_the_largest(share: float, expected: list[float]) -> None:
    limit = UncertaintyLimit([[0.0, 0.2, 0.4], [1.0, 2.0, 3.0]], share)
    torch.testing.assert_close(limit.at(torch.tensor([1, 2])), torch.tensor(expected))


def test_beyond_the_measured_depths_a_limit_grows_like_the_root_of_the_depth() -> None:
    limit = UncertaintyLimit([[0.0, 1.0], [0.0, 2.0]], 1.0)
    torch.testing.assert_close(limit.at(torch.tensor([2, 8, 1, 18])), torch.tensor([2.0, 4.0, 1.0, 6.0]))


def test_quantiles_without_depths_are_those_of_the_first_step() -> None:
    assert UncertaintyLimit([0.0, 1.0], 0.5).at(torch.tensor([4])).item() == pytest.approx(0.5 * 4**0.5)


@pytest.mark.parametrize("share", [-0.1, 0.0, 1.001])
def test_a_limit_is_a_share_above_zero(share: float) -> None:
    with pytest.raises(ValueError, match=r"`uncertainty_limit` must be a share of held-out steps in \(0, 1\]"):
        UncertaintyLimit([[0.0, 1.0]], share)
    assert UncertaintyLimit([[0.0, 1.0]], 0.001).at(torch.tensor([1])).item() == pytest.approx(0.001)


def test_without_quantiles_there_is_no_limit() -> None:
    with pytest.raises(ValueError, match=r"must be None .* Measure it first"):
        UncertaintyLimit([], 0.9)
