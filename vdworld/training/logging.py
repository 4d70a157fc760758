"""What a run says of itself: a progress bar, and TensorBoard scalars and films."""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from vdworld.extras import require
from vdworld.types import Pixels


class TrainingLog:
    """A progress bar whose time to finish is true, and TensorBoard files.

    The bar counts steps where `max_steps` ends the run, and seconds where `max_minutes` does.

    Args:
        output: Where TensorBoard files go; None writes none.
        max_steps: The run's limit in steps.
        max_minutes: The run's limit in minutes.
    """

    def __init__(self, output: Path | None, max_steps: int | None, max_minutes: float | None) -> None:
        self.output, self.by_steps = output, max_steps is not None and max_minutes is None
        self.total = float(max_steps or 0) if self.by_steps else 100.0
        self.loss, self.shown = 0.0, {}
        self.rate: tuple[int, float] | None = None

    def __enter__(self) -> TrainingLog:
        tqdm = require("tqdm", "all").tqdm
        steps = "{l_bar}{bar}| {n:.0f}/{total:.0f} steps [{elapsed}<{remaining}{postfix}]"
        share = "{l_bar}{bar}| [{elapsed}<{remaining}{postfix}]"
        self.bar = tqdm(total=self.total, desc="train", bar_format=steps if self.by_steps else share, smoothing=0.05)
        self.board = None
        if self.output is not None:
            self.board = require("torch.utils.tensorboard", "all").SummaryWriter(str(self.output / "tensorboard"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()
        if self.board is not None:
            self.board.close()

    def step(
        self, step: int, seconds: float, progress: float, losses: dict[str, Any], learning_rate: float, clips: int
    ) -> None:
        """Note one optimiser step."""
        loss = float(losses["loss"])
        self.loss = loss if self.rate is None else 0.98 * self.loss + 0.02 * loss
        first_step, first_seconds = self.rate = self.rate or (step - 1, seconds)
        done = step if self.by_steps else progress * 100
        if seconds > first_seconds:
            self.shown["frames/s"] = f"{clips * (step - first_step - 1) / (seconds - first_seconds):.0f}"
        self.bar.set_postfix({"loss": f"{self.loss:.5f}", **self.shown}, refresh=False)
        self.bar.update(done - self.bar.n)
        if self.board is not None and (step % 20 == 0 or step == 1):
            for name, value in losses.items():
                self.board.add_scalar("loss" if name == "loss" else f"loss/{name}", float(value), step)
            self.board.add_scalar("learning_rate", learning_rate, step)

    def validation(self, step: int, figures: dict[str, float]) -> None:
        """Note a measurement on held-out clips."""
        self.shown["moving PSNR"] = f"{figures['moving_psnr']:.1f} dB (copy {figures['moving_psnr_copy']:.1f})"
        if self.board is not None:
            for name, value in figures.items():
                self.board.add_scalar(f"validation/{name}", value, step)

    def rollout(self, step: int, film: Pixels) -> None:
        """Note a film ``[t, h, w, 3]`` as an animated GIF."""
        if self.board is None:
            return
        tensorboard = require("tensorboard.compat.proto.summary_pb2", "all")
        frames = film.numpy().repeat(3, axis=1).repeat(3, axis=2)
        image = tensorboard.Summary.Image(
            height=frames.shape[1], width=frames.shape[2], colorspace=3, encoded_image_string=encode_gif(frames)
        )
        summary = tensorboard.Summary(value=[tensorboard.Summary.Value(tag="rollout/real_above_imagined", image=image)])
        self.board._get_file_writer().add_summary(summary, step)


def encode_gif(frames: np.ndarray, fps: float = 10.0) -> bytes:
    """Encode uint8 pixels ``[t, h, w, 3]`` as an animated GIF that repeats."""
    imageio = require("imageio.v3", "all")
    buffer = io.BytesIO()
    imageio.imwrite(buffer, frames, extension=".gif", duration=1000 / fps, loop=0)
    return buffer.getvalue()
