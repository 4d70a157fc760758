from __future__ import annotations

import pytest
import torch

from vdworld.diffusion import RectifiedFlow, draw_jumps, sample_consistency, sample_euler, shortcut_target


def at(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value)


@pytest.mark.parametrize(
    ("levels", "answers", "expected"),
    [
        ((0.0, 0.5, 1.0), (1.0, 0.0), 0.0),  # at .5 half of the way to 1 is gone; the second estimate is where it lands
        ((0.0, 0.25, 0.5), (1.0, 0.0), 1 / 3),  # .25, then a third of the way back to 1/6: twice that from 0
        ((0.5, 0.75, 1.0), (1.0, 0.4), 0.4),
        ((0.2, 0.3, 0.9), (0.7, 0.7), 0.7),  # one direction all along
    ],
)
def test_the_target_lands_where_two_half_steps_land(
    levels: tuple[float, float, float], answers: tuple[float, float], expected: float
) -> None:
    remaining = iter(answers)
    start, middle, end = (torch.tensor([level]) for level in levels)
    target = shortcut_target(lambda noisy, level: at(next(remaining)), RectifiedFlow(), at(0.0), start, middle, end)
    assert target.item() == pytest.approx(expected, abs=1e-6)


def test_the_halves_are_evaluated_where_the_path_is() -> None:
    calls: list[tuple[float, float]] = []

    def denoise(noisy: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        calls.append((noisy.item(), level.item()))
        return at(1.0)

    start, middle, end = (torch.tensor([level]) for level in (0.0, 0.25, 0.5))
    shortcut_target(denoise, RectifiedFlow(), at(-1.0), start, middle, end)
    assert calls == [(-1.0, 0.0), (-0.5, 0.25)]  # a quarter of the way from -1 to 1


@pytest.mark.parametrize("shift", [1.0, 4.0])
def test_one_step_to_the_target_is_two_steps_of_the_sampler(shift: float) -> None:
    """The data are points of a Gaussian, whose exact denoiser is known."""
    process = RectifiedFlow(shift=shift)

    def exact(noisy: torch.Tensor, level: float | torch.Tensor) -> torch.Tensor:
        tau = torch.as_tensor(level).reshape(-1, 1, 1, 1)
        return 0.3 + 0.04 * tau * (noisy - 0.3 * tau) / (0.04 * tau**2 + (1 - tau) ** 2)

    noise = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    start, middle, end = (process.warp(torch.full((5,), place)) for place in (0.0, 0.5, 1.0))
    target = shortcut_target(exact, process, noise, start, middle, end)
    torch.testing.assert_close(target, sample_euler(exact, process, noise, process.schedule(2)))


def test_jumps_lie_on_a_grid_of_halves_and_long_ones_are_likelier() -> None:
    begin, length = draw_jumps(8000, 16, torch.Generator().manual_seed(0))
    assert sorted(length.unique().tolist()) == [1 / 8, 1 / 4, 1 / 2, 1]
    assert torch.equal((begin / length).round() * length, begin)
    assert (begin + length).max() == 1
    shares = [0.25**0.5, 0.5**0.5 - 0.25**0.5, 0.75**0.5 - 0.5**0.5, 1 - 0.75**0.5]  # of 1, 1/2, 1/4, 1/8
    for value, share in zip((1, 1 / 2, 1 / 4, 1 / 8), shares, strict=True):
        of_length = length == value
        assert abs(of_length.float().mean() - share) < 0.025  # four standard deviations
        counts = torch.bincount((begin[of_length] / value).long()) / of_length.sum()
        assert len(counts) == round(1 / value)
        assert (counts - value).abs().max() < 0.04


def test_consistency_sampling_leaps_to_the_end_from_ever_nearer() -> None:
    calls: list[tuple[float, float, float]] = []

    def leap(noisy: torch.Tensor, level: float, length: float) -> torch.Tensor:
        calls.append((noisy.item(), level, length))
        return at(float(len(calls)))

    fresh = iter([at(10.0), at(20.0), at(30.0)])
    frame = sample_consistency(leap, RectifiedFlow(), at(-1.0), 4, draw=lambda: next(fresh))
    assert frame.item() == 4
    assert [row[1:] for row in calls] == [(0, 1), (0.75, 0.25), (0.875, 0.125), (0.9375, 0.0625)]
    mixed = [-1, 0.75 * 1 + 0.25 * 10, 0.875 * 2 + 0.125 * 20, 0.9375 * 3 + 0.0625 * 30]
    assert [row[0] for row in calls] == pytest.approx(mixed)


def test_consistency_sampling_uses_the_warped_time() -> None:
    levels: list[float] = []

    def leap(noisy: torch.Tensor, level: float, length: float) -> torch.Tensor:
        levels.append(level)
        return noisy

    sample_consistency(leap, RectifiedFlow(shift=4.0), at(0.0), 2, draw=lambda: at(0.0))
    assert levels == pytest.approx([0, 0.75 / (0.75 + 4 * 0.25)])


def test_fresh_noise_decides_what_the_first_noise_left_undecided() -> None:
    """A coin that falls by the sign of the noise, and here the noise has none."""
    rng, balanced = torch.Generator().manual_seed(0), torch.zeros(1_000, 1, 1, 1)

    def leap(noisy: torch.Tensor, level: float, length: float = 0.0) -> torch.Tensor:
        return (4 * noisy / (1 - level)).tanh()

    def draw() -> torch.Tensor:
        return torch.randn(balanced.shape, generator=rng)

    assert not sample_euler(leap, RectifiedFlow(), balanced, [0, 0.75, 0.875, 1]).any()
    frame = sample_consistency(leap, RectifiedFlow(), balanced, 3, draw=draw)
    assert (frame.abs() > 0.9).float().mean().item() > 0.95
    assert (frame > 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
