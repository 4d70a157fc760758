from __future__ import annotations

import pytest
import torch

from vdworld.diffusion import RectifiedFlow

SHAPE = (5, 3, 4, 4)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_level_0_is_noise_and_level_1_is_clean() -> None:
    process, clean, noise = RectifiedFlow(), drawn(*SHAPE), drawn(*SHAPE, seed=1)
    assert torch.equal(process.mix(clean, noise, torch.zeros(5)), noise)
    torch.testing.assert_close(process.mix(clean, noise, torch.ones(5)), clean)
    assert process.clean_level == 1


def test_every_row_is_mixed_at_its_own_level() -> None:
    clips, noise = drawn(2, 3, 3, 4, 4), drawn(2, 3, 3, 4, 4, seed=1)
    mixed = RectifiedFlow().mix(clips, noise, torch.tensor([0.25, 0.5]))
    torch.testing.assert_close(mixed[0], 0.25 * clips[0] + 0.75 * noise[0])
    torch.testing.assert_close(mixed[1], 0.5 * clips[1] + 0.5 * noise[1])


def test_the_velocity_is_the_same_all_along_a_path() -> None:
    process, clean, noise = RectifiedFlow(), drawn(*SHAPE), drawn(*SHAPE, seed=1)
    for tau in (0.0, 0.3, 0.9):
        noisy = process.mix(clean, noise, torch.full((5,), tau))
        torch.testing.assert_close(process.velocity(clean, noisy, tau), clean - noise, rtol=1e-4, atol=1e-5)


def test_a_schedule_runs_evenly_from_noise_to_clean() -> None:
    assert RectifiedFlow().schedule(1) == [0, 1]
    assert RectifiedFlow().schedule(4) == [0, 0.25, 0.5, 0.75, 1]
    with pytest.raises(ValueError, match="`num_sampling_steps` must be at least 1, got 0"):
        RectifiedFlow().schedule(0)


def test_the_asked_share_of_training_rows_is_pure_noise_and_the_rest_uniform() -> None:
    levels = RectifiedFlow(pure_noise=0.4).training_levels(20_000, torch.Generator().manual_seed(0))
    assert abs((levels == 0).float().mean() - 0.4) < 0.015  # four standard deviations
    others = levels[levels > 0].sort().values
    even = torch.linspace(0, 1, len(others))
    assert (others - even).abs().max() < 0.018  # Kolmogorov's distance, at one in a thousand
    again = RectifiedFlow(pure_noise=0.4).training_levels(20_000, torch.Generator().manual_seed(0))
    assert torch.equal(levels, again)


def test_the_loss_weight_is_a_ramp() -> None:
    weight = RectifiedFlow(ramp=0.2).loss_weight(torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(weight, torch.tensor([0.2, 0.6, 1.0]))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`pure_noise` must lie in \[0, 1\], got 1.5"):
        RectifiedFlow(pure_noise=1.5)
    with pytest.raises(ValueError, match="`ramp` must be positive, got 0"):
        RectifiedFlow(ramp=0)
