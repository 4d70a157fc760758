from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from vdworld.diffusion import VariancePreserving
from vdworld.diffusion.curves import Curve

SCHEDULES = ("linear", "cosine", "sigmoid")
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES)
TIMES = torch.linspace(0.01, 0.95, 20, dtype=torch.float64)


def alpha_squared(schedule: str, u: float) -> float:
    """The papers' formulas, as they stand."""
    if schedule == "linear":
        return math.exp(-0.5 * u**2 * (20 - 0.1) - 0.1 * u)
    if schedule == "cosine":
        angle = [(time + 0.008) / 1.008 * math.pi / 2 for time in (u, 0.0)]
        return math.cos(angle[0]) ** 2 / math.cos(angle[1]) ** 2
    start, end, here = (1 / (1 + math.exp(-z)) for z in (-3.0, 3.0, -3.0 + 6.0 * u))
    return (end - here) / (end - start)


@every_schedule
def test_alpha_follows_the_papers_formula(schedule: str) -> None:
    expected = torch.tensor([alpha_squared(schedule, u) for u in TIMES.tolist()], dtype=torch.float64)
    assert_close(VariancePreserving(schedule).alpha(TIMES).square(), expected)


@every_schedule
def test_the_variance_is_preserved(schedule: str) -> None:
    process = VariancePreserving(schedule)
    assert_close(process.alpha(TIMES).square() + process.sigma(TIMES).square(), torch.ones_like(TIMES))


@every_schedule
def test_float32_is_enough_near_the_clean_level(schedule: str) -> None:
    process, times = VariancePreserving(schedule), torch.tensor([1e-5, 1e-4, 1e-3])
    assert_close(process.sigma(times), process.sigma(times.double()).float(), rtol=1e-5, atol=0)


class RoundedDown:
    """A schedule on a processor whose functions round the frame's share down, as AVX-512's cosine does."""

    def __init__(self, curve: Curve) -> None:
        self.curve, self.slope, self.time_of = curve, curve.slope, curve.time_of

    def shares(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        frame, noise = self.curve.shares(u)
        return frame * (1 - torch.finfo(frame.dtype).eps), noise


@every_schedule
def test_the_clean_level_is_clean_however_a_processor_rounds(schedule: str) -> None:
    process, clean = VariancePreserving(schedule), torch.zeros(9)
    process.curve = RoundedDown(process.curve)
    assert process.alpha(clean).tolist() == [1.0] * 9
    assert process.sigma(clean).tolist() == [0.0] * 9


def test_the_linear_schedule_is_the_limit_of_ddpm_in_ever_finer_steps() -> None:
    steps = 100_000
    betas = torch.linspace(0.1, 20, steps, dtype=torch.float64) / steps
    discrete = (1 - betas).cumprod(dim=0).sqrt()[[steps // 10, steps // 2, 9 * steps // 10]]
    continuous = VariancePreserving().alpha(torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64))
    assert_close(continuous, discrete, rtol=1e-3, atol=0)


@every_schedule
def test_levels_end_where_noise_is_100_times_the_signal(schedule: str) -> None:
    process = VariancePreserving(schedule)
    alpha, sigma = process.coefficients(process.noisiest_level)
    assert sigma / alpha == pytest.approx(100)
    beyond = process.level_of(torch.tensor([200.0, torch.inf], dtype=torch.float64))
    assert beyond.tolist() == [process.noisiest_level] * 2


@every_schedule
def test_times_are_even_in_schedules_and_uniform_in_training(schedule: str) -> None:
    process = VariancePreserving(schedule)
    last = process.noisiest_level
    assert process.schedule(4) == pytest.approx([last, 0.75 * last, 0.5 * last, 0.25 * last, 0])
    times = process.training_levels((20_000,), torch.Generator().manual_seed(0))
    assert (times.sort().values / last - torch.linspace(0, 1, 20_000)).abs().max() < 0.0138  # Kolmogorov's distance
    assert process.sigma(times).min() > 0.0019


def test_eps_prediction_is_weighted_by_the_ratio_of_signal_to_noise() -> None:
    process = VariancePreserving()
    levels = process.level_of(torch.tensor([0.5, 2.0], dtype=torch.float64))
    assert_close(process.loss_weight(levels), torch.tensor([4.0, 0.25], dtype=torch.float64))


def test_the_condition_is_1_at_clean() -> None:
    assert VariancePreserving().condition(torch.tensor([0.0, 0.25])).tolist() == [1, 0.75]
    assert not VariancePreserving().supports_shortcut


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="`schedule` must be linear or cosine or sigmoid, got 'quadratic'"):
        VariancePreserving("quadratic")


@pytest.mark.parametrize("schedule", ["linear", "cosine", "sigmoid"])
def test_the_slope_is_the_derivative_of_the_frame_s_share(schedule: Any) -> None:
    curve = VariancePreserving(schedule).curve
    time = torch.linspace(0.05, 0.95, 19, dtype=torch.float64, requires_grad=True)
    (derivative,) = torch.autograd.grad(curve.shares(time)[0].sum(), time)
    assert_close(curve.slope(time.detach()), derivative, rtol=1e-9, atol=1e-12)
