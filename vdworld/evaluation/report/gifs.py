"""Animations of a report as GIF bytes: real frames, imagined frames and their difference."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import ExampleClip
from vdworld.extras import require

_MIN_HEIGHT = 176  # frames are enlarged to about this height, by whole factors so that pixels stay square
_GAP, _BAND, _FONT_SIZE = 6, 22, 13  # pixels between videos, above them for captions, and of the captions' letters


def tile(pixels: np.ndarray) -> np.ndarray:
    """Put the images of several cameras ``[..., h, w, 3 n]`` side by side, ``[..., h, n w, 3]``."""
    parts = np.split(pixels, pixels.shape[-1] // 3, axis=-1)
    return np.concatenate(parts, axis=-2)


def enlarge(pixels: np.ndarray, height: int = _MIN_HEIGHT) -> np.ndarray:
    """Repeat pixels ``[..., h, w, c]`` by the whole factor that brings the height nearest to `height`."""
    factor = max(1, round(height / pixels.shape[-3]))
    return pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)


def clip_gif(example: ExampleClip, fps: float) -> bytes:
    """Show a clip as real | imagined | difference; the context frames are real in both."""
    past = len(example.context)
    real = np.concatenate([example.context, example.real])
    imagined = np.concatenate([example.context, example.imagined])
    difference = np.abs(real.astype(np.int16) - imagined).astype(np.uint8)
    columns = [tile(frames) for frames in (real, imagined, difference)]
    captions = [
        ("real", "context" if t < past else f"imagined +{t - past + 1}", "difference") for t in range(len(real))
    ]
    return gif(columns, captions, fps)


def attempt_gif(result: GoalReaching, start: int, fps: float, names: Sequence[str] | None = None) -> bytes:
    """Show what agents did from one start, as goal | agent | agent ...

    Args:
        result: The attempts.
        start: Index of the start.
        fps: Frames per second.
        names: The agents to show; None shows all.
    """
    names = list(result.attempts) if names is None else list(names)
    videos = [tile(result.attempts[name].pixels[start]) for name in names]
    goal = np.broadcast_to(tile(result.goal_pixels[start]), videos[0].shape)
    captions = [("goal", *names)] * len(goal)
    return gif([goal, *videos], captions, fps)


def gif(columns: Sequence[np.ndarray], captions: Sequence[Sequence[str]], fps: float) -> bytes:
    """Join videos ``[t, h, w, 3]`` side by side under captions, and return the bytes of an endless GIF.

    Args:
        columns: The videos, all of one shape, uint8.
        captions: For every frame, the text above each video.
        fps: Frames per second; the last frame stays for a second.
    """
    frames = [_captioned([enlarge(column[t]) for column in columns], texts) for t, texts in enumerate(captions)]
    durations = [round(1000 / fps)] * len(frames)
    durations[-1] = max(1000, durations[-1])
    buffer = io.BytesIO()
    writer = require("imageio.v3", extra="report")
    writer.imwrite(buffer, np.stack(frames), extension=".gif", duration=durations, loop=0)
    return buffer.getvalue()


def _captioned(images: Sequence[np.ndarray], texts: Sequence[str]) -> np.ndarray:
    """Put images ``[h, w, 3]`` side by side on white, each under its caption."""
    drawing, image = require("PIL.ImageDraw", extra="report"), require("PIL.Image", extra="report")
    height, width = images[0].shape[:2]
    sheet = np.full((height + _BAND, len(images) * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for i, pixels in enumerate(images):
        sheet[_BAND:, i * (width + _GAP) : i * (width + _GAP) + width] = pixels
    canvas = image.fromarray(sheet)
    pen, font = drawing.Draw(canvas), require("PIL.ImageFont", extra="report").load_default(_FONT_SIZE)
    for i, text in enumerate(texts):
        pen.text((i * (width + _GAP), 2), text, fill=(31, 41, 51), font=font)
    return np.asarray(canvas)
