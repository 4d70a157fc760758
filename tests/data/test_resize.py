from __future__ import annotations

import numpy as np
import pytest

from vdworld.data import resize_area


def test_whole_factors_give_the_means_of_blocks() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 12), dtype=np.uint8)
    blocks = images.reshape(2, 3, 4, 2, 3, 4).mean(axis=(3, 5))
    np.testing.assert_array_equal(resize_area(images, (4, 3)), np.rint(blocks))


def test_a_pixel_is_shared_by_the_area_that_it_covers() -> None:
    row = np.array([[0, 90, 180]], dtype=np.uint8)  # three pixels on two: 2/3 of a new one each
    np.testing.assert_array_equal(resize_area(row, (1, 2)), [[30, 150]])


def test_the_mean_brightness_stays() -> None:
    images = np.random.default_rng(1).integers(0, 256, (4, 3, 210, 160), dtype=np.uint8)
    assert abs(resize_area(images, (64, 64)).mean() - images.mean()) < 0.5


def test_a_small_object_fades_but_never_vanishes() -> None:
    for place in range(30):
        image = np.zeros((1, 50, 50), dtype=np.uint8)
        image[0, place, place] = 255
        assert resize_area(image, (16, 16)).max() > 5


def test_a_plain_image_stays_plain_at_every_size() -> None:
    image = np.full((3, 7, 11), 201, dtype=np.uint8)
    for size in ((1, 1), (3, 5), (16, 30), (7, 12)):
        assert (resize_area(image, size) == 201).all()


def test_the_same_size_costs_nothing() -> None:
    image = np.zeros((3, 4, 5), dtype=np.uint8)
    assert resize_area(image, (4, 5)) is image


@pytest.mark.parametrize("leading", [(), (2,), (2, 3, 4)])
def test_leading_axes_are_kept(leading: tuple[int, ...]) -> None:
    assert resize_area(np.zeros((*leading, 6, 6), dtype=np.uint8), (3, 2)).shape == (*leading, 3, 2)
