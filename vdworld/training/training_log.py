"""The progress bar and the TensorBoard log of a training run."""

from __future__ import annotations

import io
import math
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
from torch import Tensor

from vdworld.extras import require
from vdworld.storage.atomic_files import naming
from vdworld.types import Pixels


class TrainingLog:
    """A progress bar whose remaining time follows the run's own clock, and TensorBoard files.

    Args:
        output: Folder for TensorBoard files; None writes none.

    Attributes:
        postfix: Further texts for the bar, by name.
    """

    def __init__(self, output: Path | None) -> None:
        self.output = output
        self.postfix: dict[str, str] = {}
        self.loss: float | None = None
        self.frames, self.clock = 0, time.monotonic()

    def __enter__(self) -> TrainingLog:
        tqdm = require("tqdm", "all").tqdm
        style = "{l_bar}{bar}| [{elapsed}<{remaining}{postfix}]"
        self.bar = tqdm(total=100.0, desc="train", bar_format=style, smoothing=0.05)
        self.board = None
        if self.output is not None:
            self._excepthook, threading.excepthook = threading.excepthook, self._on_thread_error
            folder = str(self.output / "tensorboard")
            try:
                with naming(folder):
                    self.board = require("torch.utils.tensorboard", "all").SummaryWriter(folder)
            except BaseException:
                self._close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._close()
        except OSError:
            if kind is None:
                raise

    def _close(self) -> None:
        self.bar.close()
        if self.output is None:
            return
        try:
            if self.board is not None:
                with naming(self.board.log_dir):
                    self.board.close()
        finally:
            for thread in threading.enumerate():
                if getattr(thread, "exception", None) is not None:  # TensorBoard's, which ends with its error
                    thread.join()
            threading.excepthook = self._excepthook

    def step(self, step: int, share: float, num_frames: int, figures: Mapping[str, Tensor | float]) -> None:
        """Log one optimiser step.

        Args:
            step: Number of the step.
            share: Elapsed share of the run's time, in [0, 1].
            num_frames: Number of target frames in the step.
            figures: ``loss``, its parts and the learning rate.
        """
        loss = float(figures["loss"])
        if self.loss is None:
            self.bar.initial = self.bar.n = self.bar.last_print_n = 100 * share  # of an earlier part of a resumed run
        self.loss = loss if self.loss is None else 0.98 * self.loss + 0.02 * loss
        self.frames += num_frames
        if (passed := time.monotonic() - self.clock) > 2.0:
            self.postfix["frames/s"] = f"{self.frames / passed:.0f}"
            self.frames, self.clock = 0, time.monotonic()
        self._show(step)
        self.bar.update(100 * share - self.bar.n)
        if step % 20 == 0 or step == 1:
            self._write("train", step, figures)

    def validation(self, step: int, figures: dict[str, float]) -> None:
        """Log a measurement on held-out clips; the bar shows none where nothing moves."""
        moving, copied = figures["moving_psnr"], figures["moving_psnr_copy"]
        if math.isfinite(moving):
            self.postfix["moving PSNR"] = f"{moving:.1f} dB (copy last {copied:.1f})"
        self._show(step)
        self._write("validation", step, figures)

    def _write(self, group: str, step: int, figures: Mapping[str, Tensor | float]) -> None:
        if self.board is not None:
            with naming(self.board.log_dir):
                for name, value in figures.items():
                    self.board.add_scalar(f"{group}/{name}", float(value), step)

    def _on_thread_error(self, error: threading.ExceptHookArgs) -> None:
        """Keep silent about a full disk in TensorBoard's thread: the next write raises the same error."""
        if not isinstance(error.exc_value, OSError):
            self._excepthook(error)

    def _show(self, step: int) -> None:
        loss = {} if self.loss is None else {"loss": f"{self.loss:.5f}"}
        self.bar.set_postfix({"step": step, **loss, **self.postfix}, refresh=False)

    def rollout(self, step: int, video: Pixels) -> None:
        """Log a video ``[t, h, w, 3]`` as an animated GIF."""
        if self.board is None:
            return
        tensorboard = require("tensorboard.compat.proto.summary_pb2", "all")
        frames = video.numpy().repeat(3, axis=1).repeat(3, axis=2)
        image = tensorboard.Summary.Image(
            height=frames.shape[1], width=frames.shape[2], colorspace=3, encoded_image_string=encode_gif(frames)
        )
        summary = tensorboard.Summary(value=[tensorboard.Summary.Value(tag="rollout/real_above_imagined", image=image)])
        with naming(self.board.log_dir):
            self.board._get_file_writer().add_summary(summary, step)


def encode_gif(frames: np.ndarray, fps: float = 10.0) -> bytes:
    """Encode uint8 pixels ``[t, h, w, 3]`` as an animated GIF that loops."""
    imageio = require("imageio.v3", "all")
    buffer = io.BytesIO()
    imageio.imwrite(buffer, frames, extension=".gif", duration=1000 / fps, loop=0)
    return buffer.getvalue()


def say(text: str) -> None:
    """Print a line for the user to stderr, without disturbing progress bars; an empty one prints nothing."""
    if text:
        require("tqdm", "all").tqdm.write(text, file=sys.stderr)
