from __future__ import annotations

import math

import pytest
import torch

from vdworld.metrics import PSNR_CEILING, moving_pixels, moving_psnr, psnr, sharpness, union_sharpness


def frames(value: float = 0.0, size: int = 8) -> torch.Tensor:
    return torch.full((1, 3, size, size), value)


@pytest.mark.parametrize("error", [0.01, 0.2, 1.0])
def test_a_constant_error_has_a_closed_form(error: float) -> None:
    expected = 10 * math.log10(4 / error**2)
    assert psnr(frames(error), frames()).item() == pytest.approx(expected, abs=1e-4)


def test_gaussian_noise_of_known_variance_has_a_closed_form() -> None:
    noise = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.1
    assert psnr(noise, torch.zeros_like(noise)).mean().item() == pytest.approx(10 * math.log10(4 / 0.01), abs=0.1)


def test_an_exact_copy_scores_the_ceiling_and_no_more() -> None:
    assert psnr(frames(), frames()).item() == pytest.approx(PSNR_CEILING)
    assert psnr(frames(1e-6), frames()).item() == pytest.approx(PSNR_CEILING)


def test_predictions_out_of_range_are_clamped() -> None:
    assert psnr(frames(1.7), frames(1.0)).item() == pytest.approx(PSNR_CEILING)


def test_each_frame_of_a_batch_gets_its_own_number() -> None:
    predicted = torch.stack([frames(0.1), frames(0.2)])  # [2, 1, 3, h, w]
    answers = psnr(predicted, torch.zeros_like(predicted))
    assert answers.shape == (2, 1)
    assert answers[0, 0] - answers[1, 0] == pytest.approx(20 * math.log10(2), abs=1e-4)


def test_different_shapes_are_refused_and_both_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"`predicted` must have the shape of `real`, \(1, 3, 8, 8\), got \(1, 3, 4, 4\)"
    ):
        psnr(frames(size=4), frames(size=8))


def test_one_channel_beyond_the_threshold_makes_a_pixel_move() -> None:
    real = frames()
    real[0, 1, 2, 3] = 0.2
    real[0, 2, 4, 4] = 0.05
    moving = moving_pixels(real, frames(), threshold=0.1)
    assert moving.nonzero().tolist() == [[0, 2, 3]]


def test_moving_psnr_counts_the_moving_pixels_alone() -> None:
    context, real = frames(), frames()
    real[..., 2:4, 2:4] = 1.0
    predicted = real + 0.5  # clamped to 1 where the object is: perfect there, wrong everywhere else
    assert moving_psnr(predicted, real, context).item() == pytest.approx(PSNR_CEILING)
    predicted = real.clone()
    predicted[..., 2:4, 2:4] = 0.5  # wrong by .5 on the object alone
    assert moving_psnr(predicted, real, context).item() == pytest.approx(10 * math.log10(4 / 0.25), abs=1e-4)
    assert psnr(predicted, real).item() == pytest.approx(10 * math.log10(4 / (0.25 * 4 / 64)), abs=1e-4)


def test_copying_the_last_frame_scores_by_how_far_things_moved() -> None:
    context, real = frames(), frames()
    real[..., 0, 0] = 0.4
    assert moving_psnr(context, real, context).item() == pytest.approx(10 * math.log10(4 / 0.16), abs=1e-4)


def test_frames_without_motion_score_nan() -> None:
    real = torch.stack([frames()[0], frames(0.5)[0]])
    answers = moving_psnr(real, real, frames())
    assert answers.isnan().tolist() == [True, False]
    assert sharpness(real, real, frames()).isnan().all()  # still in the first, flat in the second


def test_real_frames_are_exactly_as_sharp_as_themselves() -> None:
    real = torch.rand(2, 5, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    last = torch.zeros(2, 1, 3, 8, 8)
    assert torch.allclose(sharpness(real, real, last), torch.ones(2, 5))


def test_half_the_contrast_has_a_quarter_of_the_gradient_energy() -> None:
    real = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert sharpness(real / 2, real, frames()).item() == pytest.approx(0.25, abs=1e-5)


def square_at(column: int) -> torch.Tensor:
    """A frame of a bright square on dark ground."""
    pixels = torch.full((1, 3, 24, 24), -1.0)
    pixels[..., 8:14, column : column + 6] = 1.0
    return pixels


def test_a_sharp_object_in_the_wrong_place_is_sharp_where_either_moves() -> None:
    last, real, displaced = (square_at(column) for column in (2, 5, 8))
    assert sharpness(displaced, real, last).item() < 0.8
    assert union_sharpness(displaced, real, last).item() == pytest.approx(1)
    assert union_sharpness(real, real, last).item() == pytest.approx(1)
    assert sharpness(last, real, last).item() == union_sharpness(last, real, last).item()  # nothing else moves


def test_blur_is_blur_where_either_moves() -> None:
    last, real = square_at(2), square_at(5)
    blurred = (square_at(4) + square_at(5) + square_at(6)) / 3
    assert union_sharpness(blurred, real, last).item() < 0.7
    assert union_sharpness(real + 0.5 * torch.randn(real.shape), real, last).item() > 1.1
    assert union_sharpness(last, last, last).isnan().item()


def test_colours_beyond_black_and_white_are_no_sharper() -> None:
    real = (torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.5).float() * 2 - 1
    assert sharpness(3 * real, real, frames()).item() == pytest.approx(1.0)


def test_the_average_of_two_futures_looks_blurred() -> None:
    left, right = frames(-1.0), frames(-1.0)
    left[..., 1:3, 1:3] = 1.0
    right[..., 5:7, 5:7] = 1.0
    assert sharpness((left + right) / 2, left, frames(-1.0)).item() < 0.5


@pytest.mark.parametrize(
    ("last", "threshold", "message"),
    [
        (torch.zeros(3, 4, 4), 0.1, "`last_context` must broadcast"),
        (torch.zeros(3, 8, 8), -1.0, "`threshold` must not"),
    ],
)
def test_bad_masks_are_refused(last: torch.Tensor, threshold: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        moving_psnr(frames(), frames(), last, threshold)
