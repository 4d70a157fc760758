"""The metadata of a whole dataset: the content of ``meta/info.json``, and the table of tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vdworld.data.layout import DATA_PATH, FILES_PER_CHUNK, INFO, VERSION, VIDEO_PATH
from vdworld.extras import require
from vdworld.storage.checksums import CHECKSUMS, seal


def make_info(
    *,
    features: dict[str, Any],
    num_episodes: int,
    num_rows: int,
    fps: float,
    own: dict[str, Any],
    checksums: dict[str, str],
) -> dict[str, Any]:
    """Return the content of ``info.json``.

    Args:
        features: Columns and videos; see ``episode_rows.features_of``.
        num_episodes: The number of complete episodes.
        num_rows: The number of their rows.
        fps: Frames per second.
        own: Entries for vdworld alone.
        checksums: Checksums of files by their path in the folder.
    """
    info = {
        "codebase_version": VERSION,
        "robot_type": (own.get("spec") or {}).get("id"),
        "total_episodes": num_episodes,
        "total_frames": num_rows,
        "total_tasks": 1,
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": int(fps) if fps == int(fps) else fps,
        "splits": {"train": f"0:{num_episodes}"},  # only ranges are allowed here; ours are in the column vdworld/split
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH,
        "features": features,
        "vdworld": own,
    }
    return {**info, "vdworld": {**own, CHECKSUMS: seal(info, Path(INFO).name, checksums)[CHECKSUMS]}}


def make_task_table(task: str) -> Any:
    """Return the table of tasks, whose index in pandas is the task's text."""
    pa = require("pyarrow", extra="data")
    columns = [
        {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64"},
        {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object"},
    ]
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [{"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object"}],
        "columns": [{**column, "metadata": None} for column in columns],
        "pandas_version": "2.0.0",
    }
    pandas["column_indexes"] = [{**pandas["column_indexes"][0], "metadata": {"encoding": "UTF-8"}}]
    table = pa.table({"task_index": pa.array([0], pa.int64()), "task": [task]})
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})
