"""What ``meta`` says about a whole dataset: its description, its task, its own notes."""

from __future__ import annotations

import json
from typing import Any

from vdworld.data.layout import DATA_PATH, FILES_PER_CHUNK, VERSION, VIDEO_PATH
from vdworld.extras import require


def make_info(
    *,
    features: dict[str, Any],
    num_episodes: int,
    num_rows: int,
    fps: float,
    own: dict[str, Any],
) -> dict[str, Any]:
    """Return the content of ``info.json``.

    Args:
        features: Columns and videos, see ``rows.features_of``.
        num_episodes: Episodes that count.
        num_rows: Their rows.
        fps: Frames per second.
        own: What only vdworld reads.
    """
    return {
        "codebase_version": VERSION,
        "robot_type": (own.get("spec") or {}).get("id"),
        "total_episodes": num_episodes,
        "total_frames": num_rows,
        "total_tasks": 1,
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": int(fps) if fps == int(fps) else fps,
        "splits": {"train": f"0:{num_episodes}"},  # ranges only; ours stand in the episodes' column vdworld/split
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH,
        "features": features,
        "vdworld": own,
    }


def make_task_table(task: str) -> Any:
    """Return the table of tasks, with the task's text as the index that pandas restores."""
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
