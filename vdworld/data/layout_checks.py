"""Check the metadata of a dataset folder, which anyone may have written, before anything relies on it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from vdworld.data.path_templates import fill_template
from vdworld.json_values import value_from_json
from vdworld.space_json import space_from_json
from vdworld.spec import EnvironmentSpec

MAX_SIDE, MAX_NUMBERS = 2**14, 2**24  # pixels of a frame's side, and numbers in a row of a column
_MAX_COUNT = 10**9  # episodes, rows and files


def check_info(info: dict[str, Any]) -> dict[str, Any]:
    """Return the content of ``info.json`` with its values as their readers expect them.

    Raises:
        ValueError, KeyError: A value is missing, of another type, or out of range.
    """
    total = value_from_json("total_episodes", info["total_episodes"], int, _MAX_COUNT)
    fps = value_from_json("fps", info["fps"], float)
    if total < 0 or not 0 < fps <= 1e6:
        raise ValueError(f"`total_episodes` and `fps` must be positive, got {total} and {fps}.")
    features = value_from_json("features", info["features"], dict[str, dict[str, Any]])
    for name, feature in features.items():
        _check_feature(name, feature)
    for name, fields in (("data_path", {}), ("video_path", {"video_key": "key"})):
        if (template := value_from_json(name, info.get(name), str | None)) is not None:
            fill_template(Path(), template, **fields, chunk_index=0, file_index=0)
    splits = value_from_json("splits", info.get("splits"), dict[str, str] | None) or {}
    if "test" in splits:
        test_range(splits)
    own = value_from_json("vdworld", info.get("vdworld", {}), dict[str, Any])
    _check_own(own)
    return {**info, "features": features, "total_episodes": total, "fps": float(fps), "splits": splits, "vdworld": own}


def test_range(splits: dict[str, str]) -> tuple[int, int]:
    """Return the first episode of the split ``test``, and the one after its last."""
    start, stop = splits["test"].split(":")
    return int(start), int(stop)


def check_entry(path: Path, row: dict[str, Any]) -> None:
    """Check one row of a table of episodes.

    Raises:
        ValueError: A value is of another type, or out of range.
    """
    for name, value in row.items():
        if name == "vdworld/split":
            rule, fits = "'train', 'test' or nothing", value in (None, "train", "test")
        elif name == "vdworld/seed":
            rule, fits = "a whole number or nothing", isinstance(value, int | None)
        elif name.endswith("/from_timestamp"):
            rule, fits = "a time in seconds", isinstance(value, float | int) and 0 <= value < _MAX_COUNT
        else:
            smallest = 1 if name == "length" else 0
            rule, fits = "a whole number", isinstance(value, int) and smallest <= value < _MAX_COUNT
        if not fits:
            raise ValueError(f"{path} is damaged: `{name}` must hold {rule}, got {value!r}. Copy the dataset again.")


def _check_feature(name: str, feature: dict[str, Any]) -> None:
    dtype = value_from_json(f"features.{name}.dtype", feature["dtype"], str)
    shape = value_from_json(f"features.{name}.shape", feature["shape"], tuple[int, ...], MAX_NUMBERS)
    is_picture = dtype in ("video", "image")
    limit = MAX_NUMBERS * (16 if is_picture else 1)
    if any(side < 1 for side in shape) or math.prod(shape) > limit:
        raise ValueError(
            f"`features.{name}.shape` must be positive, and hold at most {limit:,} numbers, got {list(shape)}."
        )
    if is_picture and (len(shape) not in (2, 3) or max(shape) > MAX_SIDE):
        raise ValueError(f"`features.{name}.shape` must be a picture's, up to {MAX_SIDE} pixels, got {list(shape)}.")


def _check_own(own: dict[str, Any]) -> None:
    """Check the entries for vdworld alone."""
    if own.get("spec") is not None:
        EnvironmentSpec.from_json(own["spec"])
    if own.get("action_space") is not None:
        space_from_json(own["action_space"])
    kinds = {"task": str, "seed": int, "test_fraction": float}
    for name, kind in kinds.items():
        value_from_json(f"vdworld.{name}", own.get(name, kind()), kind)
