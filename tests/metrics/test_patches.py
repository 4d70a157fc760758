from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from vdworld.metrics import cut_patches, draw_pixels, nearest_distance
from vdworld.metrics.patches import _CHUNK


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def moving_square(column: int, size: int = 24) -> torch.Tensor:
    """A white square of 6 x 6 pixels on black, ``[3, h, w]``."""
    frame = torch.full((3, size, size), -1.0)
    frame[:, 9:15, column : column + 6] = 1.0
    return frame


def patches_around(frame: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return cut_patches(frame[None], draw_pixels(mask[None], 10_000, rng()))


def test_a_patch_holds_the_neighbourhood_of_its_pixel() -> None:
    frames = torch.arange(2 * 2 * 6 * 7.0).reshape(2, 2, 6, 7)
    (patch,) = cut_patches(frames, torch.tensor([[1, 3, 4]]), size=3)
    expected = frames[1, :, 2:5, 3:6].movedim(0, -1).flatten()
    torch.testing.assert_close(patch, expected, rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (9, 8)])
def test_frames_continue_beyond_their_edges_and_may_be_a_pixel_small(shape: tuple[int, int]) -> None:
    frames = torch.randn(2, 3, *shape, generator=rng())
    padded = F.pad(frames, (3, 3, 3, 3), mode="replicate")
    pixels = draw_pixels(torch.ones(2, *shape, dtype=torch.bool), 1_000, rng())
    assert len(pixels) == 2 * shape[0] * shape[1]
    expected = torch.stack([padded[n, :, y : y + 7, x : x + 7].movedim(0, -1).flatten() for n, y, x in pixels])
    torch.testing.assert_close(cut_patches(frames, pixels), expected, rtol=0, atol=0)


def test_only_pixels_of_the_mask_are_drawn_and_none_twice() -> None:
    mask = torch.rand(5, 6, 7, generator=rng()) < 0.4
    mask[2] = False
    pixels = draw_pixels(mask, 8, rng())
    assert all(mask[tuple(pixel)] for pixel in pixels)
    assert len(pixels.unique(dim=0)) == len(pixels)
    expected = mask.flatten(1).sum(dim=1).clamp(max=8)
    assert torch.bincount(pixels[:, 0], minlength=5).tolist() == expected.tolist()
    assert pixels[:, 0].tolist() == sorted(pixels[:, 0].tolist())


def test_the_pixels_of_a_frame_do_not_depend_on_the_other_frames() -> None:
    mask = torch.rand(5, 6, 7, generator=rng()) < 0.4
    together, alone = draw_pixels(mask, 4, rng(1)), draw_pixels(mask[3:4], 4, rng(1))
    assert together[together[:, 0] == 3][:, 1:].tolist() == alone[:, 1:].tolist()
    assert draw_pixels(mask, 4, rng(2)).tolist() != together.tolist()


def test_every_pixel_of_the_mask_is_drawn_equally_often() -> None:
    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    mask[0, 1] = True
    columns = torch.cat([draw_pixels(mask, 2, rng(seed))[:, 2] for seed in range(400)])
    shares = torch.bincount(columns, minlength=4) / 400
    assert (shares - 0.5).abs().max() < 0.1  # four standard deviations


def test_an_exact_copy_has_distance_zero() -> None:
    bank = torch.rand(50, 147, generator=rng()) * 2 - 1
    assert nearest_distance(bank.flip(0), bank).abs().max() == 0


@pytest.mark.parametrize("difference", [0.01, -0.5, 2.0])
def test_a_patch_that_differs_equally_everywhere_has_that_distance(difference: float) -> None:
    patch = torch.rand(1, 147, generator=rng()) * 2 - 1
    bank = torch.cat([patch, patch + 5])
    torch.testing.assert_close(nearest_distance(patch + difference, bank), torch.tensor([abs(difference)]))


def test_the_distance_is_that_of_a_search_through_all_pairs() -> None:
    patches, bank = (torch.rand(count, 12, generator=rng(count)).mul(2).sub(1) for count in (450, _CHUNK // 200))
    pairs = [(patch - bank).square().mean(dim=1).min().sqrt() for patch in patches[::9]]
    torch.testing.assert_close(nearest_distance(patches, bank)[::9], torch.stack(pairs), rtol=0, atol=1e-3)


def test_blur_and_speckle_are_further_from_recordings_than_a_sharp_square_elsewhere() -> None:
    mask = torch.zeros(24, 24, dtype=torch.bool)
    mask[9:15, 13:19] = True
    bank = torch.cat([patches_around(moving_square(x), mask.roll(x - 13, dims=1)) for x in (2, 5, 8)])
    sharp = moving_square(13)
    blurred = F.avg_pool2d(sharp, 5, stride=1, padding=2, count_include_pad=False)
    speckled = (sharp + 0.3 * torch.randn(sharp.shape, generator=rng())).clamp(-1, 1)
    means = [nearest_distance(patches_around(frame, mask), bank).mean() for frame in (sharp, blurred, speckled)]
    assert means[0] == 0
    assert means[1] > 0.1
    assert means[2] > 0.1


def test_nothing_to_compare_with_is_infinitely_far_and_nothing_to_compare_is_empty() -> None:
    patches, none = torch.zeros(3, 147), torch.zeros(0, 147)
    assert nearest_distance(patches, none).tolist() == [torch.inf] * 3
    assert nearest_distance(none, patches).shape == (0,)
    assert nearest_distance(none, none).shape == (0,)


def test_bad_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="`size` must be a positive odd number, got 4"):
        cut_patches(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, dtype=torch.int64), size=4)
    with pytest.raises(ValueError, match=r"`bank` must hold patches of 147 numbers, got \(5, 27\)"):
        nearest_distance(torch.zeros(2, 147), torch.zeros(5, 27))
