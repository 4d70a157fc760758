"""Datasets of the same layout that other software wrote."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from gymnasium import spaces
from PIL import Image

from vdworld.data import ClipSampler, EpisodeWriter, load_dataset
from vdworld.data.episode import choose_split

FPS, LENGTHS = 15, (12, 9, 14)
SIZES = {"observation.images.laptop": (48, 64), "observation.images.phone": (32, 32)}
LENGTH_OF_FILE = {0: (0, 1), 1: (2,)}  # two episodes in the first video file, one in the second


def picture(key: str, episode: int, row: int) -> np.ndarray:
    """A plain colour that says which camera, episode and row it is; soft enough for a lossy codec."""
    height, width = SIZES[key]
    colour = (40 + 12 * row, 60 * episode + 40, 200 if "phone" in key else 60)
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy()


def write_video(path: Path, key: str, episodes: tuple[int, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "10", "g": "2"})
        stream.height, stream.width = SIZES[key]
        stream.pix_fmt = "yuv420p"
        for episode in episodes:
            for row in range(LENGTHS[episode]):
                frame = av.VideoFrame.from_ndarray(picture(key, episode, row), format="rgb24")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())


def rows(episode: int) -> dict[str, Any]:
    length = LENGTHS[episode]
    first = sum(LENGTHS[:episode])
    return {
        "observation.state": [[episode + 0.1 * row, row, 0.0] for row in range(length)],
        "action": [[row, -episode, 7.0] for row in range(length)],
        "timestamp": [row / FPS for row in range(length)],
        "frame_index": list(range(length)),
        "episode_index": [episode] * length,
        "index": list(range(first, first + length)),
        "task_index": [0] * length,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two cameras of different sizes, a state vector, no reward, lossy video, one table, variable-length lists."""
    features = {key: {"dtype": "video", "shape": [*size, 3], "names": None} for key, size in SIZES.items()}
    for name in ("observation.state", "action"):
        features[name] = {"dtype": "float32", "shape": [3], "names": ["a", "b", "c"]}
    features |= {name: {"dtype": "int64", "shape": [1], "names": None} for name in list(rows(0))[3:]}
    features["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
    info = {"codebase_version": "v3.0", "robot_type": "so101", "fps": FPS, "features": features, "chunks_size": 1000}
    info |= {"total_episodes": 3, "total_frames": sum(LENGTHS), "total_tasks": 1, "splits": {"train": "0:3"}}
    info |= {
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    }
    for name in ("meta/episodes/chunk-000", "data/chunk-000"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "meta/info.json").write_text(json.dumps(info))
    columns = {name: [value for episode in range(3) for value in rows(episode)[name]] for name in rows(0)}
    pq.write_table(pa.table(columns), tmp_path / "data/chunk-000/file-000.parquet")
    entries = []
    for file, episodes in LENGTH_OF_FILE.items():
        for key in SIZES:
            video = info["video_path"].format(video_key=key, chunk_index=0, file_index=file)
            write_video(tmp_path / video, key, episodes)
        start = 0
        for episode in episodes:
            entry = {"episode_index": episode, "tasks": ["tidy up"], "length": LENGTHS[episode]}
            entry |= {"data/chunk_index": 0, "data/file_index": 0}
            for key in SIZES:
                place = {"chunk_index": 0, "file_index": file, "from_timestamp": start / FPS}
                entry |= {f"videos/{key}/{name}": value for name, value in place.items()}
            start += LENGTHS[episode]
            entries.append({**entry, "stats/action/mean": [0.0]})
    pq.write_table(pa.Table.from_pylist(entries), tmp_path / "meta/episodes/chunk-000/file-000.parquet")
    return tmp_path


def test_n_rows_are_n_minus_1_transitions(folder: Path) -> None:
    dataset = load_dataset(folder)
    assert (dataset.num_episodes, dataset.num_steps) == (3, sum(LENGTHS) - 3)
    for index, episode in enumerate(dataset):
        steps = LENGTHS[index] - 1
        np.testing.assert_array_equal(episode.actions, [[row, -index, 7] for row in range(steps)])
        assert len(episode.state["observation.state"]) == steps + 1
        assert episode.rewards is None
        assert not episode.terminated.any()
        assert episode.truncated.tolist() == [False] * (steps - 1) + [True]


def test_every_camera_shows_the_right_moment(folder: Path) -> None:
    dataset = load_dataset(folder)
    assert dataset.cameras == ("laptop", "phone")
    assert dataset.image_size == (48, 64)
    for index, episode in enumerate(dataset):
        for key, size in SIZES.items():
            frames = episode.frames[key.rsplit(".", 1)[-1]]
            assert frames.shape == (LENGTHS[index], *size, 3)
            expected = np.stack([picture(key, index, row) for row in range(LENGTHS[index])])
            assert np.abs(frames.astype(int) - expected).max() <= 5, "next rows differ by 12 grey levels"


def test_what_the_folder_does_not_say_is_filled_in(folder: Path) -> None:
    dataset = load_dataset(folder)
    assert (dataset.fps, dataset.spec, dataset.has_rewards) == (15, None, False)
    assert dataset.action_space == spaces.Box(np.array([0, -2, 6.5], np.float32), np.array([12, 0, 7.5], np.float32))
    splits = [episode.split for episode in dataset]
    assert splits == [choose_split(index, test_fraction=0.2) for index in range(3)]


def test_a_split_that_the_folder_names_is_kept(folder: Path) -> None:
    info = json.loads((folder / "meta/info.json").read_text())
    (folder / "meta/info.json").write_text(json.dumps({**info, "splits": {"train": "0:2", "test": "2:3"}}))
    assert [episode.split for episode in load_dataset(folder)] == ["train", "train", "test"]


def test_two_cameras_are_stacked_at_one_size(folder: Path) -> None:
    sampler = ClipSampler(load_dataset(folder), context_length=2, horizon=3, image_size=(16, 16))
    clips = sampler.sample(6, torch.Generator().manual_seed(0))
    assert clips.frames.shape == (6, 5, 6, 16, 16)
    for row in range(6):
        rows_shown = (clips.steps[row] + torch.arange(-1, 4)).clamp(min=0)
        for camera in (0, 1):
            red = clips.frames[row, :, 3 * camera].float().mean(dim=(1, 2))
            np.testing.assert_allclose(red, 40 + 12 * rows_shown, atol=5)
    assert set(clips.frames[:, 0, 2].float().mean(dim=(1, 2)).round().int().tolist()) <= set(range(55, 66))


def test_cameras_of_different_sizes_meet_at_the_first_ones(folder: Path) -> None:
    sampler = ClipSampler(load_dataset(folder), context_length=1, horizon=1, cameras=["phone"])
    assert sampler.frames.shape == (sum(LENGTHS), 3, 48, 64)


def test_nothing_is_appended_to_other_peoples_folders(folder: Path) -> None:
    with pytest.raises(ValueError, match="must be a dataset that vdworld wrote"):
        EpisodeWriter(folder, fps=FPS, append=True)


def test_pictures_inside_the_table_are_read(make_dataset: Callable, edit_json: Callable) -> None:
    path = make_dataset((4, 3)).path
    frames = [episode.frames["top"] for episode in load_dataset(path)]
    pictures = []
    for pixels in np.concatenate(frames):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format="PNG")
        pictures.append({"bytes": buffer.getvalue(), "path": None})
    table = path / "data/chunk-000/file-000.parquet"
    pq.write_table(pq.read_table(table).append_column("observation.image", pa.array(pictures)), table)

    def rename(info: dict[str, Any]) -> None:
        info["features"]["observation.image"] = {**info["features"].pop("observation.images.top"), "dtype": "image"}

    edit_json(path / "meta/info.json", rename)
    dataset = load_dataset(path)
    assert dataset.cameras == ("image",)
    for episode, expected in zip(dataset, frames, strict=True):
        np.testing.assert_array_equal(episode.frames["image"], expected)


@pytest.mark.parametrize("missing", ["action", "cameras"])
def test_a_folder_without_actions_or_frames_is_refused(folder: Path, missing: str) -> None:
    info = json.loads((folder / "meta/info.json").read_text())
    wanted = (lambda k: k != "action") if missing == "action" else (lambda k: "images" not in k)
    info["features"] = {key: feature for key, feature in info["features"].items() if wanted(key)}
    (folder / "meta/info.json").write_text(json.dumps(info))
    with pytest.raises(ValueError, match="must have an `action` and frames among its features"):
        load_dataset(folder)
