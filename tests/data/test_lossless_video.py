from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from vdworld.data.lossless_video import VideoWriter, check_video, read_frames


def noise(num_frames: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)


def write(path: Path, frames: np.ndarray, fps: float = 10.0, episode: int = 1000) -> Path:
    with path.open("w+b") as file:
        video = VideoWriter(file, fps=fps, height=frames.shape[1], width=frames.shape[2])
        for start in range(0, len(frames), episode):
            video.add(frames[start : start + episode])
        video.close()
    return path


def read(path: Path, start: int, stop: int, fps: float = 10.0) -> np.ndarray:
    return np.stack(list(read_frames(path, fps=fps, start=start, stop=stop))).transpose(0, 2, 3, 1)


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (32, 32), (65, 1 + 48)])
def test_noise_comes_back_bit_for_bit(tmp_path: Path, size: tuple[int, int]) -> None:
    frames = noise(20, *size)
    np.testing.assert_array_equal(read(write(tmp_path / "a.mp4", frames), 0, 20), frames)


@pytest.mark.parametrize("fps", [7.5, 10.0, 29.97, 50.0])
def test_any_stretch_can_be_read_at_any_rate(tmp_path: Path, fps: float) -> None:
    frames = noise(90, 8, 10)
    path = write(tmp_path / "a.mp4", frames, fps, episode=30)
    for start, stop in ((0, 90), (30, 60), (59, 61), (89, 90), (17, 44)):
        np.testing.assert_array_equal(read(path, start, stop, fps), frames[start:stop])


def test_an_episode_begins_with_a_key_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", noise(30, 8, 8), episode=11)
    with av.open(str(path)) as container:
        keys = [i for i, frame in enumerate(container.decode(video=0)) if frame.key_frame]
    assert {0, 11, 22} <= set(keys)


def test_lossy_video_with_frames_out_of_order_is_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "b.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"bf": "3", "g": "12"})
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for brightness in range(0, 240, 4):
            frame = np.full((32, 32, 3), brightness, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    for start, stop in ((0, 60), (13, 40), (59, 60)):
        means = read(path, start, stop, fps=30.0).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(means, np.arange(start, stop) * 4, atol=3)


def test_a_video_that_ends_too_early_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", noise(5, 8, 8))
    with pytest.raises(ValueError, match=r"a\.mp4 must hold frame 5 of 7"):
        read(path, 0, 7)


def test_a_truncated_file_is_found_without_decoding_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", noise(30, 16, 16))
    expected = {"shape": (16, 16, 3), "num_frames": 30, "fps": 10}
    check_video(path, **expected)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="incomplete"):
        check_video(path, **expected)
    with pytest.raises(FileNotFoundError, match="must exist"):
        check_video(tmp_path / "none.mp4", **expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (16, 17, 3)}, r"must show frames of shape \[16, 17, 3\], got \[16, 16\]"),
        ({"num_frames": 31}, "must hold 31 frames, got 30"),
    ],
)
def test_a_video_of_another_size_or_length_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "a.mp4", noise(30, 16, 16))
    check_video(path, shape=(3, 16, 16), num_frames=30, fps=10)  # channels first are as good
    with pytest.raises(ValueError, match=message):
        check_video(path, **{"shape": (16, 16, 3), "num_frames": 30, "fps": 10, **change})


def test_a_list_of_other_files_is_no_video(tmp_path: Path) -> None:
    """FFmpeg follows lists of files and addresses, whatever the list is called."""
    path = write(tmp_path / "a.mp4", noise(3, 16, 16))
    for name, text in {
        "m3u": f"#EXTM3U\n#EXTINF:1,\n{path}\n",
        "concat": f"ffconcat version 1.0\nfile {path}\n",
    }.items():
        (tmp_path / f"{name}.mp4").write_text(text)
        with pytest.raises(ValueError, match="must be readable"):
            check_video(tmp_path / f"{name}.mp4", shape=(16, 16, 3), num_frames=1, fps=10)
