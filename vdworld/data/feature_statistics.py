"""Running statistics of every feature, for ``meta/stats.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vdworld.json_values import read_json, reading

KEYS = ("min", "max", "mean", "std", "count")


def read_statistics(path: Path, features: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Read ``meta/stats.json``, which must fit the features of its dataset.

    Raises:
        ValueError: It does not, or a number is not finite.
    """
    stats = read_json(path)
    with reading(path):
        for name, values in stats.items():
            feature = features[name]
            colours = feature["dtype"] in ("video", "image")
            shape = (3, 1, 1) if colours else (math.prod(feature["shape"]),)
            for key in KEYS:
                array = np.asarray(values[key], dtype=np.float64)
                if array.shape != ((1,) if key == "count" else shape) or not np.isfinite(array).all():
                    raise ValueError(f"`{name}.{key}` must be finite numbers {list(shape)}, got {list(array.shape)}.")
    return stats


class FeatureStatistics:
    """Minimum, maximum, mean and standard deviation of every number of every feature, updated by episode.

    Args:
        stats: The content of ``meta/stats.json`` to start from.
    """

    def __init__(self, stats: dict[str, dict[str, Any]] | None = None) -> None:
        self._features = {
            name: {key: np.asarray(value, dtype=np.float64) for key, value in values.items()}
            for name, values in (stats or {}).items()
        }

    def add(self, name: str, values: np.ndarray) -> None:
        """Add rows ``[n, d]`` of a feature; rows with NaN are left out."""
        values = np.asarray(values, dtype=np.float64)
        values = values[~np.isnan(values).any(axis=1)]
        if len(values) > 0:
            self._merge(name, _describe(values))

    def add_frames(self, name: str, frames: np.ndarray) -> None:
        """Add uint8 frames ``[n, h, w, 3]``; their statistics are those of the colours in [0, 1], ``[3, 1, 1]``."""
        statistics = _describe(frames.reshape(-1, 3) / 255.0)
        colours = {key: value.reshape(3, 1, 1) for key, value in statistics.items() if key != "count"}
        self._merge(name, {**colours, "count": np.array([float(len(frames))])})

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return the statistics as JSON values."""
        return {
            name: {key: (value.astype(int) if key == "count" else value).tolist() for key, value in values.items()}
            for name, values in self._features.items()
        }

    def _merge(self, name: str, new: dict[str, np.ndarray]) -> None:
        """Combine the moments of two sets of rows (Chan et al. 1979, equation 2.1)."""
        old = self._features.get(name)
        if old is None:
            self._features[name] = new
            return
        count = old["count"] + new["count"]
        share = new["count"] / count
        gap = new["mean"] - old["mean"]
        variance = old["std"] ** 2 * (1 - share) + new["std"] ** 2 * share + gap**2 * share * (1 - share)
        self._features[name] = {
            "min": np.minimum(old["min"], new["min"]),
            "max": np.maximum(old["max"], new["max"]),
            "mean": old["mean"] + gap * share,
            "std": np.sqrt(variance),
            "count": count,
        }


def _describe(rows: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "min": rows.min(axis=0),
        "max": rows.max(axis=0),
        "mean": rows.mean(axis=0),
        "std": rows.std(axis=0),
        "count": np.array([float(len(rows))]),
    }
