"""Moving pictures for a report: what was real, what was imagined, where they differ. GIF bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from vdworld.evaluation.goal_reaching import GoalReaching
from vdworld.evaluation.prediction import ClipPicture
from vdworld.extras import require

_SIDE = 176  # smallest height to which frames are enlarged, by whole factors so that pixels stay square
_GAP, _BAND, _LETTERS = 6, 22, 13  # between films, above them, and the size of the letters there, in pixels


def tile(pixels: np.ndarray) -> np.ndarray:
    """Put the pictures of several cameras ``[..., h, w, 3 n]`` side by side, ``[..., h, n w, 3]``."""
    parts = np.split(pixels, pixels.shape[-1] // 3, axis=-1)
    return np.concatenate(parts, axis=-2)


def enlarge(pixels: np.ndarray, side: int = _SIDE) -> np.ndarray:
    """Repeat pixels ``[..., h, w, c]`` by a whole factor, so that the height comes nearest to `side`."""
    factor = max(1, round(side / pixels.shape[-3]))
    return pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)


def clip_gif(picture: ClipPicture, fps: float) -> bytes:
    """Show a clip as real | imagined | difference; during the frames given, both are real."""
    past = len(picture.context)
    real = np.concatenate([picture.context, picture.real])
    imagined = np.concatenate([picture.context, picture.imagined])
    difference = np.abs(real.astype(np.int16) - imagined).astype(np.uint8)
    columns = [tile(frames) for frames in (real, imagined, difference)]
    captions = [("real", "given" if t < past else f"imagined +{t - past + 1}", "difference") for t in range(len(real))]
    return gif(columns, captions, fps)


def attempt_gif(result: GoalReaching, start: int, fps: float, names: Sequence[str] | None = None) -> bytes:
    """Show how the agents fared from one start: goal | agent | agent ..."""
    names = list(result.attempts) if names is None else list(names)
    seen = [tile(result.attempts[name].pixels[start]) for name in names]
    goal = np.broadcast_to(tile(result.goal_pixels[start]), seen[0].shape)
    captions = [("goal", *names)] * len(goal)
    return gif([goal, *seen], captions, fps)


def gif(columns: Sequence[np.ndarray], captions: Sequence[Sequence[str]], fps: float) -> bytes:
    """Join films ``[t, h, w, 3]`` side by side under captions, and return the bytes of an endless GIF.

    Args:
        columns: The films, all of one shape, uint8.
        captions: For every frame, the words above each film.
        fps: Frames per second; the last frame stays for a second.
    """
    frames = [_captioned([enlarge(column[t]) for column in columns], words) for t, words in enumerate(captions)]
    durations = [round(1000 / fps)] * len(frames)
    durations[-1] = max(1000, durations[-1])
    buffer = io.BytesIO()
    writer = require("imageio.v3", extra="report")
    writer.imwrite(buffer, np.stack(frames), extension=".gif", duration=durations, loop=0)
    return buffer.getvalue()


def _captioned(pictures: Sequence[np.ndarray], words: Sequence[str]) -> np.ndarray:
    """Put pictures ``[h, w, 3]`` side by side on white, each under its caption."""
    drawing, image = require("PIL.ImageDraw", extra="report"), require("PIL.Image", extra="report")
    height, width = pictures[0].shape[:2]
    sheet = np.full((height + _BAND, len(pictures) * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        sheet[_BAND:, i * (width + _GAP) : i * (width + _GAP) + width] = picture
    canvas = image.fromarray(sheet)
    pen, font = drawing.Draw(canvas), require("PIL.ImageFont", extra="report").load_default(_LETTERS)
    for i, word in enumerate(words):
        pen.text((i * (width + _GAP), 2), word, fill=(31, 41, 51), font=font)
    return np.asarray(canvas)
