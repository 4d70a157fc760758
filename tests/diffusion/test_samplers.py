"""Every sampler under every process that it goes with: the right distribution, at the stated cost."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.testing import assert_close

from tests.diffusion.gaussian import MEAN, PROCESSES, STD, exact_denoiser, network_output, source, standard_noise
from vdworld.diffusion import (
    EDM,
    SAMPLERS,
    Denoise,
    Process,
    RectifiedFlow,
    VariancePreserving,
    check_sampler,
    num_evaluations,
    sample_churn,
    sample_ddim,
    sample_dpmpp_2m,
    sample_euler,
)

FLOW = RectifiedFlow()
PAIRS = [
    pytest.param(name, process, id=f"{name}-{label}")
    for name, (label, process) in itertools.product(SAMPLERS, PROCESSES.items())
    if name != "churn" or isinstance(process, EDM)
]
KINDS = {"flow": FLOW, "edm": EDM(), "vp": VariancePreserving()}


def through_network(process: Process, denoise: Denoise) -> Denoise:
    """Say what `denoise` says in the terms of the process's prediction, and turn it back by its scalings."""

    def estimate(noisy: torch.Tensor, level: float) -> torch.Tensor:
        at = torch.tensor(level, dtype=noisy.dtype)
        c_skip, c_out, _ = process.scalings(at)
        return c_skip * noisy + c_out * network_output(process, denoise(noisy, level), noisy, at)

    return estimate


def sampled_with(name: str, process: Process, denoise: Denoise, noise: torch.Tensor, budget: int) -> torch.Tensor:
    """Sample in as many steps as `budget` evaluations pay for."""
    num_steps = next(n for n in range(budget, 0, -1) if num_evaluations(name, n) <= budget)
    return SAMPLERS[name](denoise, process, noise, process.schedule(num_steps), draw=source(noise))


@pytest.mark.parametrize(("name", "process"), PAIRS)
def test_many_steps_recover_the_mean_and_standard_deviation_of_every_channel(name: str, process: Process) -> None:
    denoise = through_network(process, exact_denoiser(process))
    sampled = sampled_with(name, process, denoise, standard_noise(), budget=80)
    # the mean of 4096 pixels is known to 1/64 of their standard deviation; 80 evaluations leave first-order samplers
    # some hundredths from the limit
    assert ((sampled.mean(dim=(0, 2, 3)) - MEAN.flatten()).abs() < 0.07 * STD.flatten()).all()
    assert ((sampled.std(dim=(0, 2, 3)) / STD.flatten() - 1).abs() < 0.1).all()


@pytest.mark.parametrize(("name", "process"), PAIRS)
def test_two_points_come_up_with_their_odds(name: str, process: Process) -> None:
    low, high, odds = -0.5, 0.5, 0.7  # 70 frames in 100 are dark

    def denoise(noisy: torch.Tensor, level: float) -> torch.Tensor:
        alpha, sigma = process.coefficients(level)
        evidence = alpha * (high - low) * (noisy - alpha * (high + low) / 2) / sigma**2
        return low + (high - low) * torch.sigmoid(evidence + math.log((1 - odds) / odds))

    noise = standard_noise(count=4096, size=1)[:, :1]
    sampled = sampled_with(name, process, denoise, noise, budget=40)
    assert (torch.minimum((sampled - low).abs(), (sampled - high).abs()) < 0.05).float().mean() > 0.98
    assert abs((sampled < 0).float().mean().item() - odds) < 0.03  # four standard deviations


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_cost_is_the_stated_one(name: str) -> None:
    visited: list[float] = []

    def denoise(noisy: torch.Tensor, level: float) -> torch.Tensor:
        visited.append(level)
        return noisy

    process, noise = EDM(), torch.ones(1, 3, 2, 2)
    for num_steps in (1, 4):
        visited.clear()
        SAMPLERS[name](denoise, process, noise, process.schedule(num_steps), draw=source(noise))
        assert len(visited) == num_evaluations(name, num_steps)


def test_euler_evaluates_at_the_level_that_a_step_starts_from() -> None:
    visited: list[float] = []

    def denoise(noisy: torch.Tensor, level: float) -> torch.Tensor:
        visited.append(level)
        return noisy

    sample_euler(denoise, FLOW, torch.zeros(1, 3, 2, 2), FLOW.schedule(4))
    assert visited == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(("name", "process"), PAIRS)
def test_the_last_step_lands_on_the_estimate_itself(name: str, process: Process) -> None:
    estimates: list[torch.Tensor] = []

    def denoise(noisy: torch.Tensor, level: float) -> torch.Tensor:
        estimates.append(torch.rand(noisy.shape, generator=torch.Generator().manual_seed(len(estimates))))
        return estimates[-1]

    noise = torch.ones(1, 3, 2, 2)
    sampled = SAMPLERS[name](denoise, process, noise, process.schedule(3), draw=source(noise))
    assert torch.equal(sampled, estimates[-1])


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sample_has_the_precision_of_its_noise(name: str, dtype: torch.dtype) -> None:
    process, noise = EDM(), torch.ones(1, 3, 2, 2, dtype=dtype)
    levels = process.schedule(3)[:-1]
    sampled = SAMPLERS[name](lambda noisy, _: 0.5 * noisy, process, noise, levels, draw=source(noise))
    assert sampled.dtype == dtype


def test_one_step_from_pure_noise_gives_the_mean() -> None:
    sampled = sample_euler(exact_denoiser(FLOW), FLOW, standard_noise(), FLOW.schedule(1))
    assert torch.equal(sampled, MEAN.expand_as(sampled))


@pytest.mark.parametrize("name", ["euler", "heun", "ddim", "dpmpp_2m"])
def test_sampling_part_of_the_way_leaves_the_noise_that_belongs_there(name: str) -> None:
    noise = standard_noise()
    halfway = SAMPLERS[name](lambda noisy, tau: MEAN.expand_as(noisy), FLOW, noise, [0, 0.2, 0.5])
    assert_close(halfway, 0.5 * noise + 0.5 * MEAN)


@pytest.mark.parametrize("process", [RectifiedFlow(shift=2.0), EDM()], ids=["flow", "edm"])
def test_euler_and_ddim_agree_where_paths_are_straight(process: Process) -> None:
    noise, levels = standard_noise(), process.schedule(5)[:-1]
    euler, ddim = (sample(exact_denoiser(process), process, noise, levels) for sample in (sample_euler, sample_ddim))
    assert_close(euler, ddim)


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
def test_the_first_step_of_dpmpp_is_one_of_ddim(process: Process) -> None:
    noise, levels = standard_noise(), process.schedule(5)[:2]
    first, ddim = (sample(exact_denoiser(process), process, noise, levels) for sample in (sample_dpmpp_2m, sample_ddim))
    assert_close(first, ddim)


def test_dpmpp_extrapolates_in_the_log_of_the_ratio() -> None:
    process, noise = EDM(), torch.full((1, 1, 1, 1), 0.1, dtype=torch.float64)
    estimates = iter([torch.full_like(noise, 1.0), torch.full_like(noise, 0.0)])
    sampled = sample_dpmpp_2m(lambda *_: next(estimates), process, noise, [5.0, 4.0, 1.0])
    after_one = 0.8 * 0.5 + 0.2 * 1.0
    ahead = torch.log(torch.tensor(4.0)) / torch.log(torch.tensor(1.25)) / 2  # of the last change of the estimate
    assert sampled.item() == pytest.approx(0.25 * after_one + 0.75 * (0.0 - ahead.item() * 1.0))


def test_samples_start_from_the_processs_initial_standard_deviation() -> None:
    starts: list[torch.Tensor] = []

    def denoise(noisy: torch.Tensor, level: float) -> torch.Tensor:
        starts.append(noisy)
        return noisy

    noise = standard_noise(1)
    for initial_std in (None, 1.0):
        process = EDM(initial_std=initial_std)
        for sample in SAMPLERS.values():
            starts.clear()
            sample(denoise, process, noise, [5.0, 0.0], draw=lambda: torch.zeros_like(noise))
            assert torch.equal(starts[0], (initial_std or 5.0) * noise)


@pytest.mark.parametrize("process", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_go_with_every_process_but_churn_with_edm_alone(name: str, process: Process) -> None:
    if name != "churn" or isinstance(process, EDM):
        check_sampler(name, process)
        return
    with pytest.raises(ValueError, match="Choose sampler=ancestral"):
        check_sampler(name, process)
    with pytest.raises(ValueError, match="`sampler` must not be 'churn' under"):
        sample_churn(exact_denoiser(process), process, standard_noise(1), process.schedule(2))


def test_unknown_samplers_and_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`sampler` must be one of euler, heun, .* churn, got 'plms'"):
        check_sampler("plms", FLOW)
    with pytest.raises(ValueError, match=r"`eta` must lie in \[0, 1\], got 2"):
        sample_ddim(exact_denoiser(FLOW), FLOW, standard_noise(1), FLOW.schedule(2), eta=2)
