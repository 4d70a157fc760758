from __future__ import annotations

import pytest
import torch

from vdworld.networks.advection import advect


def drawn(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def one_place(row: int, column: int, reach: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Weights ``[b, cameras, places, h, w]`` that take everything from so many rows below and columns to the right."""
    b, c, h, w = shape
    side = 2 * reach + 1
    weights = torch.zeros(b, c // 3, side**2, h, w)
    weights[:, :, (row + reach) * side + column + reach] = 1
    return weights


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_the_middle_place_is_a_plain_copy(reach: int) -> None:
    last = drawn(2, 3, 6, 8)
    assert torch.equal(advect(last, one_place(0, 0, reach, last.shape), reach), last)


@pytest.mark.parametrize(("row", "column"), [(1, 0), (-2, 1), (0, -2)])
def test_another_place_shifts_the_frame_and_edges_are_repeated(row: int, column: int) -> None:
    last = drawn(1, 3, 6, 8)
    shifted = advect(last, one_place(row, column, 2, last.shape), 2)
    rows = (torch.arange(6) + row).clamp(0, 5)
    columns = (torch.arange(8) + column).clamp(0, 7)
    assert torch.equal(shifted, last[:, :, rows][..., columns])


def test_every_pixel_and_camera_mixes_by_its_own_weights() -> None:
    last, weights = drawn(2, 6, 4, 5), drawn(2, 2, 9, 4, 5)
    mixed = advect(last, weights, 1)
    for b, c, y, x in ((0, 0, 2, 2), (1, 4, 1, 3), (1, 5, 2, 1)):
        around = last[b, c, y - 1 : y + 2, x - 1 : x + 2].flatten()
        expected = (around * weights[b, c // 3, :, y, x]).sum()
        assert mixed[b, c, y, x].item() == pytest.approx(expected.item(), rel=1e-5)
