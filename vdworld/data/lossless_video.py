"""Lossless video: write RGB frames to H.264 files and read them back bit for bit. Other videos can be read too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vdworld.extras import require

CODEC, PIXEL_FORMAT = "libx264rgb", "gbrp"  # H.264 on RGB without quantisation (`crf` 0) is lossless
_OPTIONS = {"crf": "0", "preset": "ultrafast", "forced-idr": "1"}
_FORMATS = "mov,mp4,matroska,webm,avi,mpeg,mpegts,ogg,gif"
_FRAMES_BETWEEN_KEYS = 16  # at most this many frames are decoded to reach one


class VideoWriter:
    """Encode frames into an MP4 file.

    Args:
        file: A file open for writing and seeking. ``add`` and ``close`` raise its errors, such as a full disk.
        fps: Frames per second.
        height: Height of every frame in pixels.
        width: Width of every frame in pixels.
    """

    def __init__(self, file: BinaryIO, *, fps: float, height: int, width: int) -> None:
        self._av = require("av", extra="data")
        rate = Fraction(fps).limit_denominator(1001)
        self._container: Any = self._av.open(file, mode="w", format="mp4")
        self._stream: Any = self._container.add_stream(CODEC, rate=rate, options=_OPTIONS)
        self._stream.height, self._stream.width, self._stream.pix_fmt = height, width, "rgb24"
        self._stream.gop_size = _FRAMES_BETWEEN_KEYS
        self._stream.codec_context.max_b_frames = 0
        self._stream.codec_context.thread_count = 1  # threads only slow down small frames
        self._time_base = 1 / rate
        self.num_frames = 0

    def add(self, frames: np.ndarray) -> None:
        """Append uint8 frames ``[n, h, w, 3]``; readers reach the first of them without decoding earlier ones."""
        for i, pixels in enumerate(frames):
            frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = self.num_frames, self._time_base
            frame.pict_type = self._av.video.frame.PictureType.I if i == 0 else self._av.video.frame.PictureType.NONE
            self._container.mux(self._stream.encode(frame))
            self.num_frames += 1

    def close(self) -> None:
        """Write the remaining frames and the index; the file itself stays open."""
        self._container.mux(self._stream.encode())
        self._container.close()


def read_frames(path: Path, *, fps: float, start: int, stop: int) -> Iterator[np.ndarray]:
    """Decode the frames numbered ``start`` to ``stop - 1`` of a video file.

    Args:
        path: A video in any format that FFmpeg reads.
        fps: Frames per second, to convert the file's time stamps to frame numbers.
        start: Number of the first frame.
        stop: Number of the last frame plus one.

    Yields:
        Planar uint8 RGB ``[3, h, w]``, in order.

    Raises:
        ValueError: The file cannot be decoded, or ends before ``stop``.
    """
    av = require("av", extra="data")
    position = start
    try:
        with _open(av, path) as container:
            planes, size = _PlaneReader(av), None
            for number, frame in _numbered(container, fps, start):
                if number > position or position >= stop:
                    break
                size = size or (frame.height, frame.width)
                if (frame.height, frame.width) != size:
                    raise ValueError(f"The video {path} must have frames of one size, got {size} and others.")
                if number == position:
                    yield planes.read(frame)
                    position += 1
    except (av.error.FFmpegError, LookupError, TypeError, OverflowError) as error:
        raise ValueError(f"The video {path} must be readable, got: {error}. It is damaged or incomplete.") from error
    if position < stop:
        raise ValueError(f"The video {path} must hold frame {position} of {stop}. It is damaged or incomplete.")


def check_video(path: Path, shape: Sequence[int], *, num_frames: int, fps: float) -> None:
    """Open a video file and read its index, without decoding frames.

    Args:
        path: The video.
        shape: Height, width and channels of its frames, or the channels first.
        num_frames: How many frames it must hold at least.
        fps: Its frames per second; at another rate the frames are not counted.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not a video, is incomplete, or shows frames of another size.
    """
    av = require("av", extra="data")
    if not path.is_file():
        raise FileNotFoundError(f"The video {path} must exist. The dataset is incomplete; copy or record it again.")
    try:
        with _open(av, path) as container:
            if not container.streams.video:
                raise ValueError(f"The file {path} must hold a video stream, got none.")
            stream = container.streams.video[0]
            size, rate, held = [stream.height, stream.width], float(stream.average_rate or 0), stream.frames
    except (av.error.FFmpegError, LookupError, TypeError, OverflowError) as error:
        raise ValueError(f"The video {path} must be readable, got: {error}. It is damaged or incomplete.") from error

    if size not in (list(shape[:2]), list(shape[1:3])):
        raise ValueError(f"The video {path} must show frames of shape {list(shape)}, got {size}.")
    if held and abs(rate - fps) < 1e-3 * fps and held < num_frames:
        raise ValueError(f"The video {path} must hold {num_frames} frames, got {held}. It is damaged or incomplete.")


def _open(av: Any, path: Path) -> Any:
    """Open a video file, and nothing that it may refer to: FFmpeg also reads lists of other files and of addresses."""
    return av.open(f"file:{path}", options={"protocol_whitelist": "file", "format_whitelist": _FORMATS})


def _numbered(container: Any, fps: float, start: int) -> Iterator[tuple[int, Any]]:
    """Decode frames with their numbers, from the last key frame at or before frame ``start``."""
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    origin, tick = stream.start_time or 0, stream.time_base
    for target in dict.fromkeys((start, 0)):  # a seek may go too far if frames are stored out of order
        container.seek(origin + int((target + 0.5) / fps / tick) if target else origin, stream=stream)
        frames = ((round(float((frame.pts - origin) * tick) * fps), frame) for frame in container.decode(stream))
        first = next(frames, None)
        if first is not None and first[0] <= start:
            yield first
            yield from frames
            return


class _PlaneReader:
    """Copy decoded frames of any pixel format to planar RGB arrays."""

    def __init__(self, av: Any) -> None:
        self._reformatter = av.video.reformatter.VideoReformatter()  # shared by all frames, since it is slow to build

    def read(self, frame: Any) -> np.ndarray:
        if frame.format.name != PIXEL_FORMAT:
            frame = self._reformatter.reformat(frame, format=PIXEL_FORMAT)
        image = np.empty((3, frame.height, frame.width), dtype=np.uint8)
        for channel, plane in zip((1, 2, 0), frame.planes, strict=True):  # FFmpeg's planes: green, blue, red
            rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
            image[channel] = rows[: frame.height, : frame.width]
        return image
