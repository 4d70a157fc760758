"""An episode as the rows of a table, and the description of its columns in ``info.json``."""

from __future__ import annotations

from typing import Any

import numpy as np

from vdworld.data.episode import Episode
from vdworld.data.layout import IMAGES
from vdworld.data.lossless_video import CODEC, PIXEL_FORMAT


def rows_of(episode: Episode, *, first_row: int, fps: float) -> dict[str, np.ndarray]:
    """Return an episode as T + 1 rows: columns ``[T+1, d]`` by name.

    Row t holds observation t, the action taken after it, and the results of this action (``next.*``). The last row
    holds the final observation and ``is_last``; its action and reward are zero and belong to no transition.

    Args:
        episode: The episode.
        first_row: The number of rows in the folder before it.
        fps: Frames per second.
    """
    length = len(episode) + 1
    frame_index = np.arange(length)
    columns = {"action": _with_last_row(episode.actions)}
    if episode.rewards is not None:
        columns["next.reward"] = _with_last_row(episode.rewards[:, None])
    done = _with_last_row((episode.terminated | episode.truncated)[:, None])
    done[-1] = True  # readers of the layout expect the end of an episode in its last row
    columns["next.terminated"] = _with_last_row(episode.terminated[:, None])
    columns["next.truncated"] = _with_last_row(episode.truncated[:, None])
    columns |= {"next.done": done, "is_last": frame_index == length - 1, **episode.state}
    columns |= {"timestamp": (frame_index / fps).astype(np.float32), "frame_index": frame_index}
    columns |= {"episode_index": np.full(length, episode.index), "index": first_row + frame_index}
    columns["task_index"] = np.zeros(length, dtype=np.int64)
    return {name: values.reshape(length, -1) for name, values in columns.items()}


def features_of(episode: Episode, fps: float) -> dict[str, dict[str, Any]]:
    """Return the description of an episode's columns and videos for ``info.json``."""
    features: dict[str, dict[str, Any]] = {}
    for camera, frames in episode.frames.items():
        height, width = frames.shape[1:3]
        video = {"height": height, "width": width, "channels": 3, "fps": fps, "codec": "h264", "pix_fmt": PIXEL_FORMAT}
        features[IMAGES + camera] = {
            "dtype": "video",
            "shape": [height, width, 3],
            "names": ["height", "width", "channels"],
            "info": {f"video.{name}": value for name, value in video.items()}
            | {"video.encoder": CODEC, "video.is_depth_map": False, "has_audio": False},
        }
    for name, values in rows_of(episode, first_row=0, fps=fps).items():
        features[name] = {"dtype": str(values.dtype), "shape": [values.shape[1]], "names": None}
    return features


def _with_last_row(values: np.ndarray) -> np.ndarray:
    """Append a row of zeros, or of False."""
    return np.concatenate([values, np.zeros_like(values[:1])])
