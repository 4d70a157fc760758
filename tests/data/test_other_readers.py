"""What vdworld writes is read by code that knows nothing of vdworld: TorchRL, and plain FFmpeg."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import av
import imageio.v3 as iio
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from vdworld.data import Dataset, EpisodeWriter, load_dataset

LENGTHS = (6, 4, 9, 5)


class Rows:
    """The few methods of a Hugging Face ``datasets.Dataset`` that TorchRL's reader calls, over parquet files."""

    def __init__(self, data_files: list[str]) -> None:
        self.table = pq.read_table(data_files)
        self.column_names = self.table.column_names

    def with_format(self, _: str) -> Rows:
        return self

    def __getitem__(self, name: str) -> torch.Tensor:
        return torch.tensor(self.table[name].to_pylist())


@pytest.fixture
def dataset(tmp_path: Path, make_arrays: Callable) -> Dataset:
    with EpisodeWriter(tmp_path, fps=10, task="push the block", steps_per_file=10) as writer:
        for seed, length in enumerate(LENGTHS):
            writer.add(**make_arrays(seed, length))
    return load_dataset(tmp_path)


@pytest.fixture
def lerobot(monkeypatch: pytest.MonkeyPatch, dataset: Dataset) -> ModuleType:
    """TorchRL's reader of the layout, with the download replaced by the folder itself."""
    reader = pytest.importorskip("torchrl.data.datasets.lerobot")
    hub, datasets = ModuleType("huggingface_hub"), ModuleType("datasets")
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **__: str(dataset.path), raising=False)
    monkeypatch.setattr(datasets, "load_dataset", lambda _, data_files, **__: Rows(data_files), raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setitem(sys.modules, "datasets", datasets)
    return reader


def test_torchrl_reads_the_tables(dataset: Dataset, lerobot: ModuleType) -> None:
    snapshot = lerobot._LeRobotSnapshot("any/name")
    assert snapshot.fps == 10
    assert snapshot.tasks == {0: "push the block"}
    columns = lerobot.LeRobotExperienceReplay._extract_columns(snapshot)
    columns = {name: column for name, column in columns.items() if name not in snapshot.video_keys}
    replay = lerobot.LeRobotExperienceReplay.from_columns(columns, batch_size=4, slice_len=2)
    rows = replay[:]
    assert len(rows) == sum(LENGTHS) + len(LENGTHS)
    for index, episode in enumerate(dataset):
        own = rows[rows["episode"] == index]
        np.testing.assert_array_equal(own["frame"], np.arange(len(episode) + 1))
        np.testing.assert_array_equal(own["action"][:-1], episode.actions)
        np.testing.assert_array_equal(own["next", "reward"][:-1, 0], episode.rewards)
        np.testing.assert_array_equal(own["next", "terminated"][:-1, 0], episode.terminated)
        np.testing.assert_array_equal(own["next", "truncated"][:-1, 0], episode.truncated)
        np.testing.assert_allclose(own["observation", "state"], episode.state["observation.state"], atol=1e-6)
        assert own["language_instruction"] == ["push the block"] * len(own)
        assert own["is_last"].tolist() == [False] * len(episode) + [True]
    assert replay.sample()["action"].shape == (4, 2)


def test_torchrl_finds_every_frame(dataset: Dataset, lerobot: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(lerobot, "torchrl_logger", SimpleNamespace(warning=warnings.append))
    paths, counts = lerobot._LeRobotSnapshot("any/name").video_segments("observation.images.top")
    assert warnings == []
    assert len(paths) == 3
    videos = [iio.imread(path, plugin="pyav") for path in paths]
    assert [len(video) for video in videos] == counts
    expected = np.concatenate([episode.frames["top"] for episode in dataset])
    np.testing.assert_array_equal(np.concatenate(videos), expected)


def test_a_frame_is_found_by_its_time_stamp(dataset: Dataset) -> None:
    """The look-up that LeRobot does: the episode's beginning in the video file, and the row's time."""
    info = json.loads((dataset.path / "meta/info.json").read_text())
    key = "observation.images.top"
    for entry in pq.read_table(dataset.path / "meta/episodes").to_pylist():
        place = {"chunk_index": entry[f"videos/{key}/chunk_index"], "file_index": entry[f"videos/{key}/file_index"]}
        video = dataset.path / info["video_path"].format(video_key=key, **place)
        table = pq.read_table(dataset.path / info["data_path"].format(**place))
        own = table.slice(entry["dataset_from_index"] - table["index"][0].as_py(), entry["length"])
        assert set(own["episode_index"].to_pylist()) == {entry["episode_index"]}
        assert entry["dataset_to_index"] - entry["dataset_from_index"] == entry["length"]
        start, stop = (entry[f"videos/{key}/{name}_timestamp"] for name in ("from", "to"))
        assert stop - start == pytest.approx(entry["length"] / info["fps"])
        with av.open(str(video)) as container:
            pictures = [(float(frame.time), frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
        times = np.array([time for time, _ in pictures])
        for row, seconds in enumerate(own["timestamp"].to_pylist()):
            nearest = np.abs(times - (start + seconds)).argmin()
            assert abs(times[nearest] - (start + seconds)) < 1e-4, "LeRobot's own tolerance"
            np.testing.assert_array_equal(pictures[nearest][1], dataset[entry["episode_index"]].frames["top"][row])


def test_the_metadata_are_complete(dataset: Dataset) -> None:
    info = json.loads((dataset.path / "meta/info.json").read_text())
    stats = json.loads((dataset.path / "meta/stats.json").read_text())
    columns = set(pq.read_table(dataset.path / "data").column_names)
    assert info["codebase_version"] == "v3.0"
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (4, 28, 1)
    assert info["splits"] == {"train": "0:4"}
    assert {key for key, feature in info["features"].items() if feature["dtype"] != "video"} == columns
    assert set(stats) == set(info["features"])
    assert all("/" not in key for key in info["features"])
    for name, feature in info["features"].items():
        if feature["dtype"] != "video":
            column = pq.read_table(dataset.path / "data", columns=[name])[name]
            width = np.asarray(column.to_pylist()).reshape(28, -1).shape[1]
            assert feature["shape"] == [width]


def test_pandas_finds_the_tasks_text_as_the_index(dataset: Dataset) -> None:
    described = json.loads(pq.read_schema(dataset.path / "meta/tasks.parquet").metadata[b"pandas"])
    assert described["index_columns"] == ["task"]
    tasks = pq.read_table(dataset.path / "meta/tasks.parquet").to_pylist()
    assert tasks == [{"task_index": 0, "task": "push the block"}]


def test_the_statistics_are_those_of_all_rows(dataset: Dataset) -> None:
    stats: dict[str, Any] = json.loads((dataset.path / "meta/stats.json").read_text())
    rows = np.array(pq.read_table(dataset.path / "data")["action"].to_pylist())
    for name, expected in {"min": rows.min(0), "max": rows.max(0), "mean": rows.mean(0), "std": rows.std(0)}.items():
        np.testing.assert_allclose(stats["action"][name], expected, atol=1e-6)
    assert stats["action"]["count"] == [28]
    assert np.shape(stats["observation.images.top"]["mean"]) == (3, 1, 1)
    assert 0.4 < np.mean(stats["observation.images.top"]["mean"]) < 0.6
