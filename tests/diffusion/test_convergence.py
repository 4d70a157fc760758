"""Samplers approach the exact flow at the order that their papers state."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.diffusion.gaussian import MEAN, PROCESSES, STD, exact_denoiser, standard_noise, start
from vdworld.diffusion import SAMPLERS, Process, RectifiedFlow, sample_euler, sample_heun

ORDERS = {"euler": 1, "ddim": 1, "heun": 2, "dpmpp_2m": 2}


def measured_order(num_steps: list[int], errors: list[float]) -> float:
    """How steeply the error falls with the number of steps, both as logarithms."""
    return -float(np.polyfit(np.log(num_steps), np.log(errors), deg=1)[0])


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
@pytest.mark.parametrize(("name", "order"), ORDERS.items())
def test_the_error_between_two_levels_falls_with_the_order_of_the_sampler(
    name: str, order: int, process: Process
) -> None:
    noise, counts, errors = standard_noise(4), [16, 32, 64], []
    for count in counts:
        ratios = torch.linspace(math.log(10), math.log(0.1), count + 1, dtype=torch.float64).exp()
        levels = process.level_of(ratios).tolist()
        first = start(process, noise, levels[0]) / process.initial_std
        sampled = SAMPLERS[name](exact_denoiser(process), process, first, levels)
        errors.append((sampled - start(process, noise, levels[-1])).square().mean().sqrt().item())
    assert abs(measured_order(counts, errors) - order) < 0.2, errors


@pytest.mark.parametrize(("name", "order"), ORDERS.items())
def test_under_the_flow_the_error_from_noise_to_frames_falls_likewise(name: str, order: int) -> None:
    process, noise, counts = RectifiedFlow(), standard_noise(4), [50, 100, 200]
    errors = [
        (SAMPLERS[name](exact_denoiser(process), process, noise, process.schedule(count)) - (MEAN + STD * noise))
        .square()
        .mean()
        .sqrt()
        .item()
        for count in counts
    ]
    assert abs(measured_order(counts, errors) - order) < 0.35, errors


def test_heun_is_nearer_than_euler_for_as_many_evaluations() -> None:
    process, noise = RectifiedFlow(), standard_noise(4)
    euler = sample_euler(exact_denoiser(process), process, noise, process.schedule(19))
    heun = sample_heun(exact_denoiser(process), process, noise, process.schedule(10))
    exact = MEAN + STD * noise
    assert (heun - exact).square().mean() < (euler - exact).square().mean()
