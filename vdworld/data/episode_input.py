"""Check the arguments of ``EpisodeWriter.add``, and convert them to an ``Episode``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.data.episode import Episode
from vdworld.data.finite_numbers import check_finite
from vdworld.data.frame_hints import frame_hint
from vdworld.data.legal_actions import check_actions
from vdworld.spaces import flat_action_size, flatten_action


def make_episode(
    frames: Any,
    actions: Any,
    rewards: Any = None,
    terminated: Any = None,
    truncated: Any = None,
    state: Mapping[str, Any] | None = None,
    action_space: gym.Space | None = None,
    where: str = "the episode",
) -> Episode:
    """Return an episode made of arrays; ``EpisodeWriter.add`` documents the arguments.

    Raises:
        ValueError: The arguments do not fit together, the actions do not fit ``action_space``, or a number is not
            finite; the message calls the episode `where`.
    """
    flat = _flat_actions(actions, action_space)
    num_steps = len(flat)
    cameras = frames if isinstance(frames, Mapping) else {"image": frames}
    if not cameras:
        raise ValueError("`frames` must hold at least one camera, got an empty dict.")
    ends = [_vector("terminated", terminated, num_steps, bool), _vector("truncated", truncated, num_steps, bool)]
    if terminated is None and truncated is None:
        ends[1][-1] = True  # the recording stops here, though the environment did not end the episode
    episode = Episode(
        frames={name: _frames(name, pixels, num_steps) for name, pixels in cameras.items()},
        actions=flat,
        rewards=None if rewards is None else _vector("rewards", rewards, num_steps, np.float32),
        terminated=ends[0],
        truncated=ends[1],
        state={_state_name(name): _state(name, values, num_steps) for name, values in (state or {}).items()},
    )
    check_finite(episode, where)
    return episode


def _flat_actions(actions: Any, space: gym.Space | None) -> np.ndarray:
    if space is not None and isinstance(actions, Sequence) and not isinstance(actions, np.ndarray):
        flat = np.stack([flatten_action(space, action) for action in actions]) if actions else np.zeros((0, 1))
    else:
        flat = np.asarray(actions)
    flat = flat[:, None] if flat.ndim == 1 else flat
    if flat.ndim != 2 or len(flat) == 0 or not np.issubdtype(flat.dtype, np.number):
        raise ValueError(f"`actions` must be numbers [T, n] with T >= 1, got shape {flat.shape}, {flat.dtype}.")
    if space is not None and flat.shape[1] != flat_action_size(space):
        raise ValueError(f"`actions` must have {flat_action_size(space)} columns for {space}, got {flat.shape[1]}.")
    if space is not None:
        check_actions(flat, space)
    return _converted(flat, np.float32)


def _frames(name: str, pixels: Any, num_steps: int) -> np.ndarray:
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[-1] != 3:
        raise ValueError(
            f"`frames` of camera {name!r} must be uint8 RGB [T+1, h, w, 3], got {pixels.dtype} {list(pixels.shape)}. "
            f"{frame_hint(pixels)}".rstrip()
        )
    if len(pixels) != num_steps + 1:
        raise ValueError(
            f"`frames` of camera {name!r} must be {num_steps + 1} for {num_steps} actions, got {len(pixels)}: one "
            "before each action and one after the last. Without a frame after the last action, leave that action out."
        )
    return pixels


def _vector(name: str, values: Any, num_steps: int, dtype: type) -> np.ndarray:
    if values is None:
        return np.zeros(num_steps, dtype=dtype)
    array = np.asarray(values)
    if dtype is bool and array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise ValueError(f"`{name}` must hold True and False, got {array.dtype} with other values.")
    if array.ndim == 0 and dtype is bool:  # a single flag describes the end of the episode
        return np.arange(num_steps) == (num_steps - 1 if array else -1)
    if array.shape != (num_steps,):
        raise ValueError(f"`{name}` must have shape [{num_steps}], one per action, got {list(array.shape)}.")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"`{name}` must be numbers [{num_steps}], got {array.dtype}.")
    return _converted(array, dtype)


def _converted(array: np.ndarray, dtype: type) -> np.ndarray:
    """Return the numbers in another type; those that it cannot hold become infinite, which the caller refuses."""
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def _state_name(name: str) -> str:
    """Return the name on disk. Names without a prefix are observations; the layout reserves ``/``."""
    name = name.replace("/", "_")
    return name if name.startswith(("observation.", "info.")) else f"observation.{name}"


def _state(name: str, values: Any, num_steps: int) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim == 0 or len(array) != num_steps + 1 or array.dtype.kind not in "fiub":
        raise ValueError(
            f"`state[{name!r}]` must be numbers [{num_steps + 1}, ...], one row per frame, "
            f"got {array.dtype} {list(array.shape)}."
        )
    needs_float64 = array.dtype == np.float64 or (array.dtype.kind in "iu" and array.dtype.itemsize > 2)
    return _converted(array.reshape(num_steps + 1, -1), np.float64 if needs_float64 else np.float32)
