from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from vdworld.diffusion import RectifiedFlow


def test_level_0_is_noise_and_level_1_is_clean() -> None:
    process, clean, noise = RectifiedFlow(), torch.rand(5, 3, 4, 4), torch.rand(5, 3, 4, 4)
    assert torch.equal(process.mix(clean, noise, torch.zeros(5)), noise)
    assert torch.equal(process.mix(clean, noise, torch.ones(5)), clean)
    assert process.clean_level == 1
    assert process.level_of(torch.tensor(torch.inf)) == 0


def test_the_velocity_is_the_same_all_along_a_path() -> None:
    process, clean, noise = RectifiedFlow(), torch.rand(5, 3, 4, 4), torch.rand(5, 3, 4, 4)
    for tau in (0.0, 0.3, 0.9):
        noisy = process.mix(clean, noise, torch.full((5,), tau))
        assert_close(process.velocity(clean, noisy, tau), clean - noise, rtol=1e-4, atol=1e-5)


def test_without_a_shift_a_schedule_is_even() -> None:
    assert RectifiedFlow().schedule(1) == [0, 1]
    assert RectifiedFlow().schedule(4) == [0, 0.25, 0.5, 0.75, 1]


def test_a_shift_multiplies_the_ratio_of_noise_to_signal() -> None:
    s = torch.tensor([0.25, 0.5, 0.8], dtype=torch.float64)
    tau = RectifiedFlow(shift=3.0).warp(s)
    assert_close((1 - tau) / tau, 3 * (1 - s) / s)
    assert_close(tau, torch.tensor([0.1, 0.25, 4 / 7], dtype=torch.float64))
    assert_close(torch.tensor(RectifiedFlow(shift=3.0).schedule(4)), torch.tensor([0, 0.1, 0.25, 0.5, 1]))


def test_training_levels_are_uniform_in_even_time() -> None:
    process = RectifiedFlow(pure_noise=0.0, shift=3.0)
    tau = process.training_levels((20_000,), torch.Generator().manual_seed(0))
    s = (3 * tau / (1 + 2 * tau)).sort().values  # the inverse of the shift
    assert (s - torch.linspace(0, 1, len(s))).abs().max() < 0.0138  # Kolmogorov's distance, at one in a thousand


def test_the_loss_weight_of_clean_estimates_is_a_ramp() -> None:
    levels = torch.tensor([0.0, 0.5, 1.0])
    assert_close(RectifiedFlow(ramp=0.2).loss_weight(levels), torch.tensor([0.2, 0.6, 1.0]))
    assert_close(RectifiedFlow("v", ramp=0.2).loss_weight(levels[:2]), torch.tensor([1.0, 4.0]))


def test_flow_alone_supports_shortcuts_and_its_condition_is_tau() -> None:
    process, tau = RectifiedFlow(), torch.rand(4)
    assert process.supports_shortcut
    assert torch.equal(process.condition(tau), tau)


@pytest.mark.parametrize(("name", "value"), [("ramp", 0), ("ramp", float("nan")), ("shift", -1)])
def test_settings_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be positive, got {value}"):
        RectifiedFlow(**{"prediction": "x", name: value})
