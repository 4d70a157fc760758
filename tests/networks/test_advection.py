from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from vdworld.networks.advection import advect, advect_by_kernels


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
    assert torch.equal(advect_by_kernels(last, one_place(0, 0, reach, last.shape), reach), last)


@pytest.mark.parametrize(("row", "column"), [(1, 0), (-2, 1), (0, -2)])
def test_another_place_shifts_the_frame_and_edges_are_repeated(row: int, column: int) -> None:
    last = drawn(1, 3, 6, 8)
    shifted = advect_by_kernels(last, one_place(row, column, 2, last.shape), 2)
    rows = (torch.arange(6) + row).clamp(0, 5)
    columns = (torch.arange(8) + column).clamp(0, 7)
    assert torch.equal(shifted, last[:, :, rows][..., columns])


def test_every_pixel_and_camera_mixes_by_its_own_weights() -> None:
    last, weights = drawn(2, 6, 4, 5), drawn(2, 2, 9, 4, 5)
    mixed = advect_by_kernels(last, weights, 1)
    for b, c, y, x in ((0, 0, 2, 2), (1, 4, 1, 3), (1, 5, 2, 1)):
        around = last[b, c, y - 1 : y + 2, x - 1 : x + 2].flatten()
        expected = (around * weights[b, c // 3, :, y, x]).sum()
        assert mixed[b, c, y, x].item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 0), (-2, 1), (0, -2)])
def test_whole_displacements_shift_exactly_and_edges_are_repeated(row: int, column: int) -> None:
    last = drawn(2, 6, 6, 8)
    displacement = torch.tensor([float(column), float(row)])[:, None, None].expand(2, 2, 2, 6, 8)
    rows, columns = (torch.arange(6) + row).clamp(0, 5), (torch.arange(8) + column).clamp(0, 7)
    torch.testing.assert_close(advect(last, displacement), last[:, :, rows][..., columns], atol=1e-5, rtol=0)


def test_half_a_pixel_is_interpolated_by_cubic_convolution() -> None:
    """Keys' weights half-way, with a = -0.75, are -3/32, 19/32, 19/32 and -3/32."""
    last = torch.zeros(1, 3, 5, 9)
    last[..., 4] = 1.0
    displacement = torch.tensor([0.5, 0.0])[:, None, None].expand(1, 1, 2, 5, 9)
    row = advect(last, displacement)[0, 0, 2]
    assert row.tolist() == pytest.approx([0, 0, -3 / 32, 19 / 32, 19 / 32, -3 / 32, 0, 0, 0], abs=1e-5)


def test_every_camera_has_its_own_displacements() -> None:
    last, displacement = drawn(1, 6, 4, 5), torch.zeros(1, 2, 2, 4, 5)
    displacement[:, 1, 0] = 1.0
    moved = advect(last, displacement)
    torch.testing.assert_close(moved[:, :3], last[:, :3], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[:, 3:, :, :-1], last[:, 3:, :, 1:], atol=1e-5, rtol=0)


def test_moves_by_parts_of_a_pixel_keep_far_more_of_an_edge_than_linear_weights_do() -> None:
    """A bright bar that moves forth and back by 0.3 pixels twenty times."""
    bar = torch.zeros(1, 3, 5, 32)
    bar[..., 12:20] = 1.0
    cubic = linear = bar
    for step in range(20):
        shift = 0.3 if step % 2 else -0.3
        cubic = advect(cubic, torch.tensor([shift, 0.0])[:, None, None].expand(1, 1, 2, 5, 32)).clamp(0, 1)
        weights = torch.tensor([max(-shift, 0), 0.7, max(shift, 0)])
        kernel = F.pad(weights[None], (0, 0, 1, 1)).flatten()[:, None, None].expand(1, 1, 9, 5, 32)
        linear = advect_by_kernels(linear, kernel, 1)
    cubic_energy, linear_energy = (part.diff(dim=-1).square().sum().item() for part in (cubic, linear))
    assert cubic_energy > 2.5 * linear_energy
