"""Frames whose pixels are independent Gaussians have an exact denoiser and an exact flow, in closed form."""

from __future__ import annotations

import torch

from vdworld.diffusion import RectifiedFlow, sample_euler

MEAN, STD = 0.4, 0.3
FLOW = RectifiedFlow()


def exact_denoiser(noisy: torch.Tensor, tau: float) -> torch.Tensor:
    """E[clean | noisy] for clean ~ N(MEAN, STD^2): both are Gaussian, so it is linear."""
    gain = tau * STD**2 / (tau**2 * STD**2 + (1 - tau) ** 2)
    return MEAN + gain * (noisy - tau * MEAN)


def standard_noise() -> torch.Tensor:
    return torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def error_after(num_steps: int) -> float:
    """The flow carries noise n to MEAN + STD n exactly; return the root mean square distance from there."""
    noise = standard_noise()
    sampled = sample_euler(exact_denoiser, FLOW, noise, FLOW.schedule(num_steps))
    return (sampled - (MEAN + STD * noise)).square().mean().sqrt().item()


def test_many_steps_recover_mean_and_standard_deviation() -> None:
    sampled = sample_euler(exact_denoiser, FLOW, standard_noise(), FLOW.schedule(200))
    assert abs(sampled.mean().item() - MEAN) < 0.005
    assert abs(sampled.std().item() - STD) < 0.005


def test_the_error_falls_with_the_first_order_of_the_step() -> None:
    errors = [error_after(n) for n in (50, 100, 200, 400)]
    ratios = [coarse / fine for coarse, fine in zip(errors[:-1], errors[1:], strict=True)]
    assert all(1.9 < ratio < 2.1 for ratio in ratios), ratios


def test_one_step_from_pure_noise_gives_the_mean() -> None:
    sampled = sample_euler(exact_denoiser, FLOW, standard_noise(), FLOW.schedule(1))
    assert torch.equal(sampled, torch.full_like(sampled, MEAN))


def test_a_step_costs_one_evaluation_at_the_level_it_starts_from() -> None:
    visited: list[float] = []

    def denoise(noisy: torch.Tensor, level: float) -> torch.Tensor:
        visited.append(level)
        return noisy

    sample_euler(denoise, FLOW, torch.zeros(1, 3, 2, 2), FLOW.schedule(4))
    assert visited == [0, 0.25, 0.5, 0.75]


def test_the_last_step_lands_on_the_estimate_itself() -> None:
    estimates = torch.rand(3, 1, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    remaining = iter(estimates)
    sampled = sample_euler(lambda *_: next(remaining), FLOW, torch.ones(1, 3, 2, 2), FLOW.schedule(3))
    assert torch.equal(sampled, estimates[-1])


def test_sampling_part_of_the_way_leaves_the_noise_that_belongs_there() -> None:
    noise = standard_noise()
    halfway = sample_euler(lambda noisy, tau: torch.full_like(noisy, MEAN), FLOW, noise, [0, 0.2, 0.5])
    torch.testing.assert_close(halfway, 0.5 * noise + 0.5 * MEAN)
