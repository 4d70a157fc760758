from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from vdworld.diffusion import EDM

SIGMAS = torch.tensor([0.002, 0.1, 0.5, 3.0, 20.0], dtype=torch.float64)


def test_the_scalings_are_those_of_the_paper_where_noise_is_as_strong_as_the_frame() -> None:
    c_skip, c_out, c_in = EDM(sigma_data=0.5).scalings(torch.tensor(0.5))
    assert_close(torch.stack([c_skip, c_out, c_in]), torch.tensor([0.5, math.sqrt(0.125), math.sqrt(2)]))


@pytest.mark.parametrize("offset_noise", [0.0, 0.3])
def test_input_and_target_of_the_network_have_unit_variance(offset_noise: float) -> None:
    c_skip, c_out, c_in = EDM(sigma_data=0.7, offset_noise=offset_noise).scalings(SIGMAS)
    noise_variance = SIGMAS**2 + offset_noise**2
    assert_close(c_in**2 * (0.7**2 + noise_variance), torch.ones_like(SIGMAS))
    target_variance = ((1 - c_skip) ** 2 * 0.7**2 + c_skip**2 * noise_variance) / c_out**2
    assert_close(target_variance, torch.ones_like(SIGMAS))


def test_three_steps_are_karras_levels() -> None:
    first, last = 5 ** (1 / 7), 0.002 ** (1 / 7)
    levels = EDM().schedule(3)
    assert levels == pytest.approx([5, ((first + last) / 2) ** 7, 0.002, 0], rel=1e-12)
    assert EDM().schedule(1) == [5, 0]


def test_log_sigma_is_normal_in_training() -> None:
    sigmas = EDM(log_mean=-0.4, log_std=1.2).training_levels((20_000,), torch.Generator().manual_seed(0))
    quantiles = torch.special.ndtr((sigmas.log() + 0.4) / 1.2).sort().values
    assert (quantiles - torch.linspace(0, 1, 20_000)).abs().max() < 0.0138  # Kolmogorov's distance, as for the flow


def test_training_levels_are_clipped() -> None:
    sigmas = EDM(log_std=10.0).training_levels((1000,), torch.Generator().manual_seed(0))
    assert_close(torch.stack([sigmas.min(), sigmas.max()]), torch.tensor([0.002, 20.0]))


def test_a_ratio_beyond_training_is_clipped_to_it() -> None:
    assert EDM().level_of(torch.tensor([0.1, 10.0, torch.inf])).tolist() == pytest.approx([0.1, 10.0, 20.0])


def test_the_condition_is_a_quarter_of_log_sigma() -> None:
    assert_close(EDM().condition(SIGMAS), SIGMAS.log() / 4)
    assert EDM().condition(torch.zeros(())).item() == pytest.approx(math.log(0.002) / 4)
    assert_close(EDM(offset_noise=0.3).condition(SIGMAS), (SIGMAS**2 + 0.09).log() / 8)


def test_offset_noise_is_the_same_at_every_level_and_shared_by_a_channel() -> None:
    process, shape = EDM(offset_noise=0.3), (500, 2, 3, 8, 8)
    level = torch.tensor([0.05, 2.0]).expand(500, 2)
    noise = process.training_noise(shape, level, torch.Generator().manual_seed(0))
    added = process.mix(torch.zeros(shape), noise, level)
    for i, sigma in enumerate((0.05, 2.0)):
        channel = added[:, i].mean(dim=(-1, -2))  # 1500 of them, so that a variance is known to 3.7%
        assert channel.var().item() == pytest.approx(0.3**2 + sigma**2 / 64, rel=0.15)
        within = added[:, i] - channel[..., None, None]
        assert within.square().mean().item() == pytest.approx(sigma**2 * 63 / 64, rel=0.05)


def test_every_channel_has_an_offset_of_its_own() -> None:
    process, level = EDM(offset_noise=100.0), torch.ones(1)
    noise = process.training_noise((1, 3, 8, 8), level, torch.Generator().manual_seed(0))
    means = noise.mean(dim=(-1, -2)).flatten().tolist()
    assert len({round(mean) for mean in means}) == 3


def test_without_offset_noise_nothing_is_drawn_for_it() -> None:
    ours, plain, shape = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0), (2, 3, 4, 4)
    noise = EDM(offset_noise=0.0).training_noise(shape, torch.ones(2), ours)
    assert torch.equal(noise, torch.randn(shape, generator=plain))
    assert torch.equal(ours.get_state(), plain.get_state())


def test_offset_noise_leaves_clean_frames_clean() -> None:
    process, level = EDM(offset_noise=0.3), torch.zeros(2)
    clean = torch.rand(2, 3, 4, 4)
    noise = process.training_noise(clean.shape, level, torch.Generator().manual_seed(0))
    assert torch.equal(process.mix(clean, noise, level), clean)


def test_samples_start_from_sigma_max_by_default() -> None:
    assert EDM(sigma_max=7).initial_std == 7
    assert EDM(initial_std=1.0).initial_std == 1
    assert not EDM().supports_shortcut


@pytest.mark.parametrize("name", ["sigma_data", "rho", "log_std", "initial_std"])
def test_settings_that_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be positive, got 0"):
        EDM(**{"prediction": "edm", name: 0})


def test_other_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`sigma_min` must lie between 0 and `sigma_max`, got 6 and 5"):
        EDM(sigma_min=6)
    with pytest.raises(ValueError, match="`offset_noise` must be at least 0, got -1"):
        EDM(offset_noise=-1)
