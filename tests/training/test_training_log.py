from __future__ import annotations

import errno
import io
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vdworld.data import Dataset
from vdworld.training.training_log import TrainingLog, encode_gif
from vdworld.training.validation import Validation
from vdworld.world import WorldModel


def frames_of(gif: bytes) -> list[np.ndarray]:
    imageio = pytest.importorskip("imageio.v3")
    return list(imageio.imread(io.BytesIO(gif), extension=".gif", index=None, mode="RGB"))


def test_a_run_leaves_scalars_and_animated_rollouts(
    squares: Dataset, train_small: Callable[..., WorldModel], tmp_path: Path
) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train_small(squares, output=tmp_path, num_rollout_gifs=2)
    events = reader.EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    tags = events.Tags()
    for name in ("loss", "learning_rate"):
        assert any(name in tag for tag in tags["scalars"]), tags
    for name in ("psnr", "moving_psnr", "psnr_copy", "moving_psnr_copy"):
        values = [event.value for event in events.Scalars(f"validation/{name}")]
        assert np.isfinite(values).all(), name
    (tag,) = tags["images"]
    pictures = events.Images(tag)
    assert [picture.step for picture in pictures] == [1, 2]
    for picture in pictures:
        frames = frames_of(picture.encoded_image_string)
        assert len(frames) == 12  # as long as a held-out episode
        assert frames[0].shape == (picture.height, picture.width, 3)


def test_the_upper_half_of_a_rollout_is_the_real_clip(squares: Dataset, train_small: Callable[..., WorldModel]) -> None:
    from vdworld.data import ClipSampler

    world = train_small(squares)
    clips = ClipSampler(squares.split("test"), context_length=world.context_length + 1, horizon=3)
    film = Validation(clips, num_clips=5).comparison(world).numpy()
    assert film.shape == (3, 32, 64, 3)
    real = {frame.tobytes() for episode in squares.split("test") for frame in episode.frames["image"]}
    for moment in film:
        assert np.ascontiguousarray(moment[:16, :16]).tobytes() in real
        assert np.ascontiguousarray(moment[:16, 48:]).tobytes() in real


def test_a_run_that_goes_on_does_not_count_what_was_done_before() -> None:
    with TrainingLog(None) as log:
        log.bar.mininterval, log.bar.miniters = 0, 0
        log.step(1_000, 0.5, 32, {"loss": 1.0})
        time.sleep(0.1)
        log.step(1_001, 0.51, 32, {"loss": 1.0})
        rate = log.bar.format_dict["rate"]  # per cent per second: 1% in 0.1 s, or 51% if it did count
    assert rate < 20


def test_the_bar_is_full_at_the_end() -> None:
    with TrainingLog(None) as log:
        for step, share in ((1, 0.25), (2, 1.0)):
            log.step(step, share, 32, {"loss": 1.0})
    assert log.bar.n == log.bar.total


def test_the_first_step_and_every_20th_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(TrainingLog, "_write", lambda self, group, step, figures: written.append(step))
    with TrainingLog(None) as log:
        for step in range(1, 45):
            log.step(step, step / 44, 32, {"loss": 1.0})
    assert written == [1, 20, 40]


def test_the_last_line_and_the_card_show_measures_of_the_end(
    squares: Dataset, train_small: Callable[..., WorldModel], monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    measured = iter([5.0, 31.0])

    def measure(self: Validation, world: WorldModel) -> dict[str, float]:
        return {"psnr": math.nan, "psnr_copy": 9.0, "moving_psnr": next(measured), "moving_psnr_copy": 4.0}

    monkeypatch.setattr(Validation, "measure", measure)
    world = train_small(squares, max_steps=3)
    last = capsys.readouterr().err.split("\r")[-1]
    assert "step=3" in last
    assert "moving PSNR=31.0 dB (copy last 4.0)" in last
    assert world.training_info["measures"] == {
        "psnr": None,
        "psnr_copy": 9.0,
        "moving_psnr": 31.0,
        "moving_psnr_copy": 4.0,
    }


def test_a_gif_keeps_its_frames() -> None:
    frames = np.zeros((5, 12, 8, 3), np.uint8)
    for t in range(5):
        frames[t, 2 * t : 2 * t + 2] = (250, 10, 10)
    read = frames_of(encode_gif(frames))
    assert len(read) == 5
    for seen, meant in zip(read, frames, strict=True):
        assert np.abs(seen.astype(int) - meant).max() < 30


def test_a_full_disk_is_one_error_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tensorboard.summary.writer.record_writer.RecordWriter.write", full)
    with (
        pytest.raises(OSError, match=rf"No space left on device: '{tmp_path}/tensorboard'"),
        TrainingLog(tmp_path) as log,
    ):
        log.step(1, 0.0, 1, {"loss": 1.0})
    assert "Traceback" not in capfd.readouterr().err


def test_the_bar_shows_no_measure_where_nothing_moves() -> None:
    figures = {"psnr": 30.0, "psnr_copy": 31.0, "moving_psnr": math.nan, "moving_psnr_copy": math.nan}
    with TrainingLog(None) as log:
        log.validation(100, figures)
        assert log.postfix == {}
        log.validation(200, {**figures, "moving_psnr": 20.0, "moving_psnr_copy": 10.0})
    assert log.postfix == {"moving PSNR": "20.0 dB (copy last 10.0)"}
