"""Observations of camera frames and readings, in the form that dreams and real environments share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from vdworld.envs.array_trees import to_numpy


def frame_space(sizes: Mapping[str, tuple[int, ...]], readings: Mapping[str, int]) -> gym.Space:
    """Return the space of frames and readings.

    A single camera without readings gives a uint8 Box ``[h, w, 3]``. Otherwise the space is a Dict with one such Box
    per camera and one float32 Box per reading.

    Args:
        sizes: Height and width in pixels of each camera's frames.
        readings: How many numbers each reading holds. The space leaves the prefix ``observation.`` out of their names.
    """
    parts: dict[str, gym.Space] = {name: spaces.Box(0, 255, (*size, 3), np.uint8) for name, size in sizes.items()}
    parts |= {strip_prefix(name): spaces.Box(-np.inf, np.inf, (count,), np.float32) for name, count in readings.items()}
    return spaces.Dict(parts) if len(parts) > 1 else next(iter(parts.values()))


def strip_prefix(reading: str) -> str:
    """Return a reading's name in the environment's own observation: without ``observation.``."""
    return reading.removeprefix("observation.")


def side_by_side(observation: Any, cameras: Sequence[str]) -> np.ndarray:
    """Return an observation as one picture ``[..., h, w, 3]``, with the cameras from left to right."""
    views = [observation[camera] for camera in cameras] if isinstance(observation, dict) else [observation]
    return np.concatenate([to_numpy(view) for view in views], axis=-2)
