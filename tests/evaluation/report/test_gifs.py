from __future__ import annotations

import io

import imageio.v3 as iio
import numpy as np
import pytest

from vdworld.evaluation.prediction import ExampleClip
from vdworld.evaluation.report.gifs import clip_gif, enlarge, gif, tile
from vdworld.evaluation.report.plots import clip_plot


@pytest.fixture
def clip() -> ExampleClip:
    rng = np.random.default_rng(0)
    draw = lambda length: rng.integers(0, 256, (length, 16, 16, 6), np.uint8)  # noqa: E731
    return ExampleClip("typical", episode=4, step=2, context=draw(3), real=draw(5), imagined=draw(5))


def test_cameras_are_side_by_side() -> None:
    left, right = np.zeros((2, 4, 4, 3), np.uint8), np.full((2, 4, 4, 3), 9, np.uint8)
    tiled = tile(np.concatenate([left, right], axis=-1))
    assert tiled.shape == (2, 4, 8, 3)
    assert (tiled[:, :, :4] == 0).all()
    assert (tiled[:, :, 4:] == 9).all()


@pytest.mark.parametrize(("side", "factor"), [(32, 6), (64, 3), (96, 2), (512, 1)])
def test_frames_grow_by_whole_factors_so_that_pixels_stay_square(side: int, factor: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    large = enlarge(pixels)
    assert large.shape == (side * factor, side * factor, 3)
    np.testing.assert_array_equal(large[::factor, ::factor], pixels)


def test_a_gif_shows_videos_side_by_side_at_their_speed() -> None:
    videos = [np.full((4, 16, 16, 3), value, np.uint8) for value in (0, 255)]
    videos[0][:, :4, :4] = 60 * np.arange(4, dtype=np.uint8)[:, None, None, None]  # equal frames would be joined
    data = gif(videos, [("left", "right")] * 4, fps=5)
    frames = iio.imread(io.BytesIO(data), index=None, mode="RGB")
    assert len(frames) == 4
    assert frames[0][-1, 0].tolist() == [0, 0, 0]
    assert frames[0][-1, -1].tolist() == [255, 255, 255]
    assert iio.immeta(io.BytesIO(data))["duration"] == 200
    assert iio.immeta(io.BytesIO(data))["loop"] == 0


def test_a_clip_shows_the_context_and_then_the_dream(clip: ExampleClip) -> None:
    frames = iio.imread(io.BytesIO(clip_gif(clip, fps=10)), index=None, mode="RGB")
    assert len(frames) == 8
    width = frames[0].shape[1]
    assert frames[0][-20:, -width // 3 + 8 :].max() == 0, "no difference while both are real"
    assert frames[4][-20:, -width // 3 + 8 :].max() > 0


def test_a_clip_is_drawn_as_a_png(clip: ExampleClip) -> None:
    assert clip_plot(clip, (1, 5))[:8] == b"\x89PNG\r\n\x1a\n"
