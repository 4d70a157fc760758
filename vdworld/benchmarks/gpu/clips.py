"""Portable datasets: frames are stored as pictures inside the tables, so reading them needs no video decoder."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.data import Dataset, Episode, load_dataset
from vdworld.data.episode import choose_split
from vdworld.data.episode_rows import features_of, rows_of
from vdworld.data.layout import DATA_PATH, EPISODES_PATH, FILES_PER_CHUNK, IMAGES, INFO, VERSION
from vdworld.data.parquet_tables import make_table
from vdworld.envs.games.bounce import BALL, PADDLE, BounceEnv
from vdworld.extras import require
from vdworld.space_json import space_to_json
from vdworld.spec import EnvironmentSpec

TEST_FRACTION = 0.2
_COMPRESSION = {"compression": "zstd", "compression_level": 9, "use_dictionary": False, "data_page_size": 2**24}


def write_pictures(
    folder: Path,
    episodes: Iterable[Episode],
    *,
    fps: float,
    action_space: gym.Space,
    spec: EnvironmentSpec | None = None,
) -> Dataset:
    """Write a dataset in the LeRobot v3 layout whose frames are uncompressed pictures in compressed tables.

    Successive frames are similar, so the compressed table of an episode is about as small as its lossless video.
    ``load_dataset`` reads the folder; it needs pyarrow and Pillow.

    Args:
        folder: A new or empty folder.
        episodes: The episodes in order; they are renumbered and keep their splits.
        fps: Frames per second.
        action_space: The environment's action space.
        spec: How to rebuild the environment.

    Raises:
        FileExistsError: The folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"`folder` must be new or empty, got {folder}. Remove it, or choose another.")
    parquet, entries, features, num_rows = require("pyarrow.parquet", extra="data"), [], {}, 0
    for index, recorded in enumerate(episodes):
        episode = replace(recorded, index=index)
        position = {"chunk_index": index // FILES_PER_CHUNK, "file_index": index % FILES_PER_CHUNK}
        path = folder / DATA_PATH.format(**position)
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(_table(episode, num_rows, fps), path, **_COMPRESSION)
        entries.append(_entry(episode, num_rows, position))
        features = features or {name: _as_image(feature) for name, feature in features_of(episode, fps).items()}
        num_rows += len(episode) + 1
    _write_meta(folder, entries, features, num_rows, fps, action_space, spec)
    return load_dataset(folder)


def bounce_episodes(num_episodes: int = 3, num_steps: int = 30, seed: int = 0) -> list[Episode]:
    """Play the package's own game, for a rehearsal without recorded clips; the second episode is held out.

    Args:
        num_episodes: Number of episodes.
        num_steps: Steps after which an episode is truncated.
        seed: Seed of the first episode; episode i has seed ``seed + i``.
    """
    return [_play(num_steps, seed + index, index) for index in range(num_episodes)]


def _play(num_steps: int, seed: int, index: int) -> Episode:
    env = BounceEnv()
    frame, info = env.reset(seed=seed)
    frames, actions, rewards, ends = [frame], [], [], [False]
    while len(actions) < num_steps and not ends[-1]:
        offset = info["column"] + BALL / 2 - info["paddle"] - PADDLE / 2
        actions.append(1 + int(np.sign(offset)))  # 0 is left, 2 is right
        frame, reward, terminated, _, info = env.step(actions[-1])
        frames.append(frame)
        rewards.append(reward)
        ends.append(terminated)
    terminated, last = np.array(ends[1:]), np.arange(len(actions)) == len(actions) - 1
    return Episode(
        {"image": np.stack(frames)},
        np.array(actions, np.float32)[:, None],
        np.array(rewards, np.float32),
        terminated,
        last & ~terminated,
        split=choose_split(index, test_fraction=TEST_FRACTION),
        index=index,
    )


def _table(episode: Episode, first_row: int, fps: float) -> Any:
    """Return an episode's rows, with a column of pictures for each camera."""
    pa = require("pyarrow", extra="data")
    table = make_table(rows_of(episode, first_row=first_row, fps=fps))
    for camera, frames in episode.frames.items():
        pictures = pa.array([{"bytes": _encode(pixels), "path": None} for pixels in frames], _picture_type())
        table = table.append_column(IMAGES + camera, pictures)
    return table


def _picture_type() -> Any:
    pa = require("pyarrow", extra="data")
    return pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def _encode(pixels: np.ndarray) -> bytes:
    """Return an uncompressed picture file, so that the table's compression can exploit similar successive frames."""
    buffer = io.BytesIO()
    require("PIL.Image", extra="data").fromarray(pixels).save(buffer, format="BMP")
    return buffer.getvalue()


def _entry(episode: Episode, first_row: int, position: dict[str, int]) -> dict[str, Any]:
    """Return an episode's row in the table of episodes."""
    length = len(episode) + 1
    entry = {"episode_index": episode.index, "tasks": [""], "length": length}
    entry |= {"dataset_from_index": first_row, "dataset_to_index": first_row + length}
    entry |= {f"data/{name}": value for name, value in position.items()}
    return entry | {"vdworld/split": episode.split}


def _as_image(feature: dict[str, Any]) -> dict[str, Any]:
    """Describe a video as a column of images; return any other feature unchanged."""
    if feature["dtype"] != "video":
        return feature
    return {"dtype": "image", "shape": feature["shape"], "names": feature["names"]}


def _write_meta(
    folder: Path,
    entries: list[dict[str, Any]],
    features: dict[str, Any],
    num_rows: int,
    fps: float,
    action_space: gym.Space,
    spec: EnvironmentSpec | None,
) -> None:
    pa, parquet = require("pyarrow", extra="data"), require("pyarrow.parquet", extra="data")
    path = folder / EPISODES_PATH.format(chunk_index=0, file_index=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(entries), path)
    own = {"action_space": space_to_json(action_space), "spec": None if spec is None else spec.to_json()}
    info = {
        "codebase_version": VERSION,
        "total_episodes": len(entries),
        "total_frames": num_rows,
        "total_tasks": 1,
        "fps": fps,
        "splits": {"train": f"0:{len(entries)}"},
        "data_path": DATA_PATH,
        "features": features,
        "vdworld": own,
    }
    (folder / INFO).write_text(json.dumps(info, indent=2) + "\n")
