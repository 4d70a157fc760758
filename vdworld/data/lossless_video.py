"""Lossless video: RGB frames into H.264 files and back, bit for bit; other people's lossy files are read too."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vdworld.extras import require

CODEC, PIXEL_FORMAT = "libx264rgb", "gbrp"  # RGB in H.264: `crf` 0 leaves out the quantisation, so nothing is lost
_OPTIONS = {"crf": "0", "preset": "ultrafast", "forced-idr": "1"}
_FRAMES_BETWEEN_KEYS = 16  # what a reader decodes at most to reach a frame


class VideoWriter:
    """Encode frames into an MP4 file.

    Args:
        file: A file open for writing and seeking. Its errors (a full disk) are raised by ``add`` and ``close``.
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
        self._stream.codec_context.thread_count = 1  # small frames: threads cost more than they give
        self._time_base = 1 / rate
        self.num_frames = 0

    def add(self, frames: np.ndarray) -> None:
        """Append uint8 frames ``[n, h, w, 3]``; the first of them can be reached without decoding older ones."""
        for i, pixels in enumerate(frames):
            frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = self.num_frames, self._time_base
            frame.pict_type = self._av.video.frame.PictureType.I if i == 0 else self._av.video.frame.PictureType.NONE
            self._container.mux(self._stream.encode(frame))
            self.num_frames += 1

    def close(self) -> None:
        """Write what is left and the index; the file itself stays open."""
        self._container.mux(self._stream.encode())
        self._container.close()


def read_frames(path: Path, *, fps: float, start: int, stop: int) -> Iterator[np.ndarray]:
    """Decode the frames numbered ``start`` to ``stop - 1`` of a video file.

    Args:
        path: Any video that FFmpeg reads.
        fps: Frames per second; turns the file's time stamps into frame numbers.
        start: Number of the first frame wanted.
        stop: One past the last.

    Yields:
        Planar uint8 RGB ``[3, h, w]``, in order.

    Raises:
        ValueError: The file can't be decoded, or ends before ``stop``.
    """
    av = require("av", extra="data")
    position = start
    try:
        with av.open(str(path)) as container:
            planes = _PlaneReader(av)
            for number, frame in _numbered(container, fps, start):
                if number > position or position >= stop:
                    break
                if number == position:
                    yield planes.read(frame)
                    position += 1
    except (av.error.FFmpegError, IndexError) as error:
        raise ValueError(f"The video {path} must be readable, got: {error}. It is damaged or half-written.") from error
    if position < stop:
        raise ValueError(f"The video {path} must hold frame {position} of {stop}. It is damaged or half-written.")


def check_video(path: Path) -> None:
    """Open a video file and read its index, decoding nothing.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no video, or was not written to its end.
    """
    av = require("av", extra="data")
    if not path.is_file():
        raise FileNotFoundError(f"The video {path} must exist. The dataset is incomplete; copy or record it again.")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError(f"The file {path} must hold a video stream, got none.")
    except av.error.FFmpegError as error:
        raise ValueError(f"The video {path} must be readable, got: {error}. It is damaged or half-written.") from error


def _numbered(container: Any, fps: float, start: int) -> Iterator[tuple[int, Any]]:
    """Decode with frame numbers, from the last key frame at or before frame ``start``."""
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    origin, tick = stream.start_time or 0, stream.time_base
    for target in dict.fromkeys((start, 0)):  # a seek may land too late where frames are stored out of order
        container.seek(origin + int((target + 0.5) / fps / tick) if target else origin, stream=stream)
        frames = ((round(float((frame.pts - origin) * tick) * fps), frame) for frame in container.decode(stream))
        first = next(frames, None)
        if first is not None and first[0] <= start:
            yield first
            yield from frames
            return


class _PlaneReader:
    """Copy decoded frames out as planar RGB, whatever their pixel format."""

    def __init__(self, av: Any) -> None:
        self._reformatter = av.video.reformatter.VideoReformatter()  # one for all frames: building one is slow

    def read(self, frame: Any) -> np.ndarray:
        if frame.format.name != PIXEL_FORMAT:
            frame = self._reformatter.reformat(frame, format=PIXEL_FORMAT)
        image = np.empty((3, frame.height, frame.width), dtype=np.uint8)
        for channel, plane in zip((1, 2, 0), frame.planes, strict=True):  # FFmpeg's planes: green, blue, red
            rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
            image[channel] = rows[: frame.height, : frame.width]
        return image
