"""Samplers that add noise: how much of it, and whose."""

from __future__ import annotations

import pytest
import torch

from tests.diffusion.gaussian import exact_denoiser, source, standard_noise
from vdworld.diffusion import EDM, SAMPLERS, STOCHASTIC, VariancePreserving, sample_churn, sample_heun


def test_ancestral_steps_draw_from_the_posterior_of_ddpm() -> None:
    process = VariancePreserving()
    levels = process.level_of(torch.tensor([2.0, 1.0], dtype=torch.float64)).tolist()
    unit, noisy, estimate = torch.ones(1, 1, 1, 1, dtype=torch.float64), 0.3, 0.8
    noise = noisy / process.initial_std * unit
    plain, one_up = (
        SAMPLERS["ancestral"](lambda *_: estimate * unit, process, noise, levels, draw=lambda drawn=drawn: drawn)
        for drawn in (0 * unit, unit)
    )
    whole, part = 0.2, 0.5  # alpha^2 before and after: 1 / (1 + ratio^2)
    kept = whole / part
    mean = part**0.5 * (1 - kept) / (1 - whole) * estimate + kept**0.5 * (1 - part) / (1 - whole) * noisy
    assert plain.item() == pytest.approx(mean)
    assert (one_up - plain).item() == pytest.approx(((1 - part) / (1 - whole) * (1 - kept)) ** 0.5)


def test_ancestral_is_ddim_with_nothing_but_fresh_noise() -> None:
    noise, process = standard_noise(), EDM()
    ancestral, ddim = (
        SAMPLERS[name](exact_denoiser(process), process, noise, process.schedule(5), draw=source(noise), **options)
        for name, options in (("ancestral", {}), ("ddim", {"eta": 1.0}))
    )
    assert torch.equal(ancestral, ddim)


@pytest.mark.parametrize(
    ("churn", "raised"), [pytest.param(0.25, 5.0, id="a-quarter"), pytest.param(40.0, 4 * 2**0.5, id="at-most-41%")]
)
def test_churn_goes_back_up_before_a_heun_step(churn: float, raised: float) -> None:
    visited: list[float] = []

    def denoise(noisy: torch.Tensor, level: float) -> torch.Tensor:
        visited.append(level)
        return torch.zeros_like(noisy)

    process, noise = EDM(sigma_max=4), torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)
    sampled = sample_churn(
        denoise, process, noise, [4.0, 1.0], draw=lambda: torch.ones_like(noise), churn=churn, s_noise=1.5
    )
    assert visited == pytest.approx([raised, 1])
    missing = (raised**2 - 4**2) ** 0.5  # standard deviation of the noise from 4 up to there
    assert sampled.item() == pytest.approx((4 * 0.5 + 1.5 * missing) / raised)


def test_without_churn_or_outside_its_range_the_sample_is_heuns() -> None:
    process, noise = EDM(), standard_noise()
    levels, denoise = process.schedule(5), exact_denoiser(process)
    heun = sample_heun(denoise, process, noise, levels)
    assert torch.equal(sample_churn(denoise, process, noise, levels, churn=0.0), heun)
    assert torch.equal(sample_churn(denoise, process, noise, levels, s_min=6.0), heun)
    assert torch.equal(sample_churn(denoise, process, noise, levels, s_max=1e-3), heun)


@pytest.mark.parametrize("name", sorted(STOCHASTIC))
def test_stochastic_samplers_are_decided_by_what_they_draw(name: str) -> None:
    process, noise = EDM(), standard_noise()
    first, again, other = (
        SAMPLERS[name](exact_denoiser(process), process, noise, process.schedule(5), draw=source(noise, seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    with pytest.raises(ValueError, match="`draw` must be given to samplers that add noise, got None"):
        SAMPLERS[name](exact_denoiser(process), process, noise, process.schedule(5))


@pytest.mark.parametrize("name", sorted(SAMPLERS.keys() - STOCHASTIC))
def test_the_other_samplers_draw_nothing(name: str) -> None:
    process, noise = EDM(), standard_noise()
    draw = source(noise)
    SAMPLERS[name](exact_denoiser(process), process, noise, process.schedule(5), draw=draw)
    assert torch.equal(draw(), source(noise)())
