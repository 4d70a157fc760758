"""Claims about the difference of two draws."""

from __future__ import annotations

import torch

from vdworld.world.disagreement import disagreement


def test_a_disagreement_is_the_root_mean_square_over_all_pixels_and_channels() -> None:
    one, other = torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    other[0], other[1, 0, 0, 0] = 0.5, -1.0
    torch.testing.assert_close(disagreement(one, other), torch.tensor([0.5, (1 / 12) ** 0.5]))
