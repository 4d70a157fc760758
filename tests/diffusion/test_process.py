"""What holds for every process: mixing, rates, scalings, weights, levels and schedules."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from tests.diffusion.gaussian import PROCESSES, network_output
from vdworld.diffusion import EDM, Process, RectifiedFlow, VariancePreserving

every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
RATIOS = torch.tensor([0.01, 0.1, 0.7, 1.0, 4.0, 50.0], dtype=torch.float64)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@every_process
def test_the_clean_level_is_clean_and_the_noisiest_nearly_noise(process: Process) -> None:
    clean, noise = drawn(2, 3, 4, 4), drawn(2, 3, 4, 4, seed=1)
    assert torch.equal(process.mix(clean, noise, torch.full((2,), process.clean_level)), clean)
    alpha, sigma = process.coefficients(process.noisiest_level)
    assert alpha <= 0.02 * sigma
    assert process.initial_std == sigma


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", [RectifiedFlow, EDM, VariancePreserving])
def test_a_mixture_at_the_clean_level_is_the_clean_frame_exactly(kind: type[Process], dtype: torch.dtype) -> None:
    schedules = ("linear", "cosine", "sigmoid") if kind is VariancePreserving else (None,)
    for prediction, schedule in itertools.product(kind.predictions, schedules):
        options: dict[str, Any] = {} if schedule is None else {"schedule": schedule}
        process = kind(prediction=prediction, **options)
        for count in (1, 3, 4, 7, 8, 16, 19, 64):  # vectorised instructions, and what remains beside them
            clean, noise = drawn(count, 1, 2, 2).to(dtype), drawn(count, 1, 2, 2, seed=1).to(dtype)
            level = torch.full((count,), process.clean_level, dtype=dtype)
            assert torch.equal(process.mix(clean, noise, level), clean), (prediction, schedule, count)


@every_process
def test_every_frame_is_mixed_at_its_own_level(process: Process) -> None:
    clips, noise = drawn(2, 3, 3, 4, 4), drawn(2, 3, 3, 4, 4, seed=1)
    levels = process.level_of(RATIOS.view(2, 3))
    mixed = process.mix(clips, noise, levels)
    for b, t in ((0, 0), (0, 2), (1, 1)):
        alpha, sigma = process.coefficients(levels[b, t].item())
        assert_close(mixed[b, t], alpha * clips[b, t] + sigma * noise[b, t])


@every_process
def test_the_level_of_a_ratio_has_that_ratio(process: Process) -> None:
    levels = process.level_of(RATIOS)
    assert_close(process.sigma(levels) / process.alpha(levels), RATIOS)
    for dtype in (torch.float32, torch.float64):
        assert process.level_of(torch.zeros((), dtype=dtype)).item() == process.clean_level
    assert process.alpha(process.level_of(torch.tensor(torch.inf))).isfinite()


@every_process
def test_rates_are_the_derivatives(process: Process) -> None:
    levels = process.level_of(RATIOS).requires_grad_()
    for rate, coefficient in zip(process.rates(levels), (process.alpha, process.sigma), strict=True):
        # alpha of EDM is constant: the product ties it to the level
        (derivative,) = torch.autograd.grad((coefficient(levels) + 0 * levels).sum(), levels)
        assert_close(rate, derivative)


@every_process
def test_the_velocity_is_that_of_the_path_through_a_noisy_frame(process: Process) -> None:
    clean, noise, step = drawn(1, 3, 4, 4), drawn(1, 3, 4, 4, seed=1), 1e-6
    for level in process.level_of(RATIOS).tolist():
        before, here, after = (
            process.mix(clean, noise, torch.full((1,), at, dtype=torch.float64))
            for at in (level - step, level, level + step)
        )
        assert_close(process.velocity(clean, here, level), (after - before) / (2 * step), rtol=1e-5, atol=1e-6)


@every_process
def test_scalings_turn_the_networks_output_into_the_clean_frame(process: Process) -> None:
    clean, noise = drawn(6, 3, 4, 4), drawn(6, 3, 4, 4, seed=1)
    levels = process.level_of(RATIOS)
    noisy, pixel = process.mix(clean, noise, levels), levels.view(-1, 1, 1, 1)
    c_skip, c_out, _ = process.scalings(pixel)
    assert_close(c_skip * noisy + c_out * network_output(process, clean, noisy, pixel), clean)


@every_process
def test_the_weighted_loss_is_the_plain_error_of_the_networks_output(process: Process) -> None:
    levels, error = process.level_of(RATIOS), 0.1
    _, c_out, _ = process.scalings(levels)
    assert_close(process.loss_weight(levels) * (c_out * error) ** 2, torch.full_like(levels, error**2))


@every_process
def test_the_loss_weight_is_finite_at_every_level(process: Process) -> None:
    ends = torch.tensor([process.clean_level, process.noisiest_level])
    assert process.loss_weight(ends).isfinite().all()


@every_process
def test_conditions_are_small_distinct_numbers(process: Process) -> None:
    levels = torch.tensor(process.schedule(16))
    conditions = process.condition(levels)
    assert conditions.abs().max() <= 2
    assert len(conditions.round(decimals=3).unique()) >= 16  # EDM tells 0 and sigma_min apart by nothing


@every_process
def test_precision_passes_through(process: Process) -> None:
    for dtype in (torch.float32, torch.float64):
        levels = process.level_of(RATIOS.to(dtype))
        pairs = [*process.scalings(levels), *process.rates(levels), process.condition(levels), levels]
        assert {value.dtype for value in (*pairs, process.alpha(levels), process.sigma(levels))} == {dtype}


@every_process
def test_a_schedule_runs_from_noise_to_clean(process: Process) -> None:
    for num_steps in (1, 2, 7):
        levels = process.schedule(num_steps)
        assert len(levels) == num_steps + 1
        assert (levels[0], levels[-1]) == (process.noisiest_level, process.clean_level)
        assert levels == sorted(levels, reverse=process.noisiest_level > process.clean_level)
        assert len(set(levels)) == len(levels)
    with pytest.raises(ValueError, match="`num_sampling_steps` must be at least 1, got 0"):
        process.schedule(0)


@every_process
def test_training_levels_repeat_and_lie_on_the_axis(process: Process) -> None:
    levels, again = (process.training_levels((20, 30), torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(levels, again)
    assert levels.shape == (20, 30)
    assert (process.alpha(levels) > 0).logical_or(levels == process.noisiest_level).all()
    assert process.loss_weight(levels).isfinite().all()


@pytest.mark.parametrize("kind", [RectifiedFlow, EDM, VariancePreserving])
def test_the_requested_share_of_training_levels_is_pure_noise(kind: type) -> None:
    process = kind(pure_noise=0.4)
    levels = process.training_levels((20_000,), torch.Generator().manual_seed(0))
    assert abs((levels == process.noisiest_level).float().mean() - 0.4) < 0.015  # four standard deviations
    with pytest.raises(ValueError, match=r"`pure_noise` must lie in \[0, 1\], got 1.5"):
        kind(pure_noise=1.5)


@every_process
def test_training_noise_is_standard_normal(process: Process) -> None:
    level = torch.full((4, 2), process.noisiest_level)
    noise = process.training_noise((4, 2, 3, 32, 32), level, torch.Generator().manual_seed(0))
    assert abs(noise.mean().item()) < 0.03
    assert abs(noise.std().item() - 1) < 0.02


@pytest.mark.parametrize(
    ("kind", "prediction", "advice"),
    [
        (RectifiedFlow, "eps", "choose prediction=v or x"),
        (RectifiedFlow, "edm", "choose prediction=v or x"),
        (EDM, "eps", "choose prediction=edm or x"),
        (EDM, "v", "choose prediction=edm or x"),
        (VariancePreserving, "edm", "process=edm"),
        (VariancePreserving, "noise", "must be eps or x or v under VariancePreserving, got 'noise'"),
    ],
)
def test_a_prediction_that_a_process_does_not_admit_is_refused_with_advice(
    kind: type, prediction: str, advice: str
) -> None:
    with pytest.raises(ValueError, match="`prediction` must be") as refusal:
        kind(prediction=prediction)
    assert advice in str(refusal.value)
