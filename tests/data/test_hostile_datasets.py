"""What a dataset folder says is checked before anything relies on it, and its paths stay in the folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gymnasium import spaces

from vdworld.data import Dataset, EpisodeWriter, load_dataset
from vdworld.data.path_templates import fill_template

PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"


def test_a_template_is_filled_in() -> None:
    assert fill_template(Path("d"), PATH, chunk_index=3, file_index=1234) == Path("d/data/chunk-003/file-1234.parquet")
    video = "{video_key}/{chunk_index}-{file_index:d}.mp4"
    assert fill_template(Path("d"), video, video_key="a.b", chunk_index=3, file_index=4) == Path("d/a.b/3-4.mp4")


@pytest.mark.parametrize(
    "template",
    [
        "{chunk_index.__class__}/{file_index}",
        "{chunk_index.real}",
        "{chunk_index[0]}",
        "{chunk_index!r}",
        "{chunk_index:>2000000000}",
        "{chunk_index:0999999999d}",
        "{chunk_index:{file_index}d}",
        "{chunk_index:x}",
        "{root}",
        "{}",
        "{0}",
        "{chunk_index",
        "/etc/passwd",
        "../other/{file_index}",
        "data/../../{file_index}",
        "data/\0{file_index}",
        "",
        ".",
    ],
)
def test_a_template_asks_for_nothing_else_and_stays_in_the_folder(template: str) -> None:
    with pytest.raises(ValueError, match=r"(a path must|a path may|expected '}')"):
        fill_template(Path("d"), template, chunk_index=0, file_index=0)


def test_a_feature_whose_name_leaves_the_folder_is_refused() -> None:
    with pytest.raises(ValueError, match="must stay in the folder"):
        fill_template(Path("d"), "videos/{video_key}/{file_index}.mp4", video_key="../../other", file_index=0)


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(info: dict[str, Any]) -> None:
        for name in path[:-1]:
            info = info[name]
        if value is None:
            info.pop(path[-1])
        else:
            info[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("total_episodes",), 10**12, "`total_episodes` must be int up to"),
        (("total_episodes",), "3", "`total_episodes` must be int, got '3'"),
        (("total_episodes",), -1, "must be positive"),
        (("fps",), float("nan"), "`fps` must be float, got nan"),
        (("fps",), 0, "must be positive"),
        (("fps",), [10], "`fps` must be float"),
        (("features",), [], "`features` must be"),
        (("features", "action"), "float32", "`features` must be"),
        (("features", "action", "shape"), None, "it lacks 'shape'"),
        (("features", "action", "shape"), [10**12], "`features.action.shape` must be"),
        (("features", "action", "shape"), "2", "`features.action.shape` must be"),
        (("features", "observation.images.top", "shape"), [10**5, 10**5, 3], "shape` must be"),
        (("features", "observation.images.top", "shape"), [9], "must be a picture's"),
        (("data_path",), 7, "`data_path` must be"),
        (("data_path",), "/etc/passwd", "must stay in the folder"),
        (("data_path",), "{chunk_index.__class__}", "a path may hold"),
        (("video_path",), "{video_key:>2000000000}", "a path may hold"),
        (("splits",), {"test": "a:b"}, "invalid literal"),
        (("splits",), {"test": 3}, "`splits` must be"),
        (("vdworld",), [], "`vdworld` must be"),
        (("vdworld", "spec"), {"id": "A-v0", "fps": "fast"}, "`fps` must be float"),
        (("vdworld", "action_space"), {"type": "Box"}, "lacks shape, dtype, low, high"),
        (("vdworld", "seed"), "0", "`vdworld.seed` must be int"),
    ],
)
def test_a_wrong_value_in_the_metadata_is_one_line_with_the_files_name(
    make_dataset: Callable[..., Dataset],
    edit_json: Callable[..., None],
    path: tuple[str, ...],
    value: Any,
    message: str,
) -> None:
    folder = make_dataset((3,)).path
    edit_json(folder / "meta/info.json", put(*path, value=value))
    with pytest.raises(ValueError, match=rf"^{folder}/meta/info.json is damaged: [^\n]*{message}[^\n]*$"):
        load_dataset(folder)


def replace_column(path: Path, name: str, values: list[Any] | None) -> None:
    """Replace a column of a table, or remove it."""
    table = pq.read_table(path)
    place = table.schema.get_field_index(name)
    table = table.remove_column(place)
    pq.write_table(table if values is None else table.add_column(place, name, pa.array(values)), path)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("length", [10**12], "`length` must hold a whole number, got 1000000000000"),
        ("length", [5], "must hold 5 rows of episode 0, got 4"),
        ("length", [0], "must hold a whole number, got "),
        ("length", [None], "must hold a whole number, got "),
        ("length", ["4"], "must hold a whole number, got "),
        ("length", None, "must have the columns"),
        ("episode_index", [1], "must list the 1 episodes"),
        ("data/file_index", [-1], "must hold a whole number, got "),
        ("data/file_index", [10**12], "must hold a whole number, got "),
        ("videos/observation.images.top/from_timestamp", [float("nan")], "must hold a time in seconds, got "),
        ("videos/observation.images.top/from_timestamp", [1e300], "must hold a time in seconds, got "),
        ("videos/observation.images.top/from_timestamp", [3.0], "must hold 34 frames, got 4"),
        ("vdworld/split", ["validation"], "must hold 'train', 'test' or nothing"),
        ("vdworld/seed", ["a"], "must hold a whole number or nothing"),
    ],
)
def test_a_wrong_entry_of_an_episode_is_one_line_with_the_files_name(
    make_dataset: Callable[..., Dataset],
    edit_json: Callable[..., None],
    name: str,
    values: list[Any] | None,
    message: str,
) -> None:
    folder = make_dataset((3,)).path
    edit_json(folder / "meta/info.json", lambda info: None)
    replace_column(folder / "meta/episodes/chunk-000/file-000.parquet", name, values)
    with pytest.raises(ValueError, match=rf"^[^\n]*{folder}[^\n]*{message}[^\n]*$"):
        load_dataset(folder)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("action", None, r"got none for \['action'\]"),
        ("action", [[0.0, 1.0, 2.0]] * 4, "`action` must hold 2 numbers in a row, got 3"),
        ("action", [[0.0, 1.0], [0.0], [0.0, 1.0, 2.0], [0.0, 1.0]], "as many numbers in every row"),
        ("action", ["a", "b", "c", "d"], r"got none for \['action'\]"),
        ("episode_index", [0, 0, 0, 1], "must hold 4 rows of episode 0, got 3"),
        ("episode_index", [0, 0, 0, None], "must hold a value in every row"),
    ],
)
def test_a_wrong_column_is_one_line_with_the_files_name(
    make_dataset: Callable[..., Dataset],
    edit_json: Callable[..., None],
    name: str,
    values: list[Any] | None,
    message: str,
) -> None:
    folder = make_dataset((3,)).path
    edit_json(folder / "meta/info.json", lambda info: None)
    path = folder / "data/chunk-000/file-000.parquet"
    replace_column(path, name, values)
    with pytest.raises(ValueError, match=rf"^{path} is damaged: [^\n]*{message}[^\n]*$"):
        load_dataset(folder)


@pytest.mark.parametrize(
    ("space", "value"),
    [(spaces.Discrete(4, start=1), 5.0), (spaces.Discrete(4), 1.5), (spaces.MultiDiscrete([2, 3]), 3.0)],
)
def test_an_action_that_the_space_does_not_have_is_refused(
    tmp_path: Path, edit_json: Callable[..., None], space: Any, value: float
) -> None:
    with EpisodeWriter(tmp_path, fps=10, action_space=space) as writer:
        actions = np.ones((3, *(space.shape or (1,))))
        writer.add(np.zeros((4, 16, 16, 3), np.uint8), actions)
    assert load_dataset(tmp_path).num_steps == 3
    edit_json(tmp_path / "meta/info.json", lambda info: None)
    path = tmp_path / "data/chunk-000/file-000.parquet"
    rows = np.array(pq.read_table(path).column("action").to_pylist())
    rows[1] = value
    replace_column(path, "action", rows.tolist())
    with pytest.raises(ValueError, match=rf"{path} is damaged: `action` must lie in .*, got {value} in episode 0"):
        load_dataset(tmp_path)


def test_a_table_with_more_rows_than_memory_is_not_read(
    make_dataset: Callable[..., Dataset], edit_json: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A constant column takes a few bytes on the disk, however long it is."""
    folder = make_dataset((3,)).path
    edit_json(folder / "meta/info.json", lambda info: None)
    path = folder / "meta/episodes/chunk-000/file-000.parquet"
    pq.write_table(pa.table({"length": pa.array(np.full(20_000_000, 7))}), path)
    assert path.stat().st_size < 2**20
    monkeypatch.setattr("vdworld.free_memory.free_memory", lambda: 2**27)
    with pytest.raises(MemoryError, match=rf"^{path} says that it holds 0\.1 GiB, more than the free memory"):
        load_dataset(folder)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(
    make_dataset: Callable[..., Dataset], edit_json: Callable[..., None]
) -> None:
    dataset = make_dataset((3,))
    edit_json(dataset.path / "meta/info.json", lambda info: None)
    entry = dataset.entries[0]
    for path in (dataset.layout.data_path(entry), dataset.layout.video_path(entry, "observation.images.top")):
        content = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(FileNotFoundError, match=f"{path} must"):
            load_dataset(dataset.path)
        path.unlink()
        path.write_bytes(content)
    assert load_dataset(dataset.path).num_steps == 3
