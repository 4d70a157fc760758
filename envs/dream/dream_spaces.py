"""What goes in and out of a dream: observation spaces, pixels, and actions on their way to the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.error import InvalidAction
from torch import Tensor

from vdworld.spaces import frames_to_pixels

if TYPE_CHECKING:
    from vdworld.world import WorldModel, WorldState


def observation_space(world: WorldModel) -> gym.Space:
    """Return the space of what a dream in this world shows, see ``frame_space``."""
    return frame_space(dict.fromkeys(world.cameras, world.image_size), world.readings)


def frame_space(sizes: Mapping[str, tuple[int, ...]], readings: Mapping[str, int]) -> gym.Space:
    """Return a uint8 ``[h, w, 3]`` Box for one camera alone, else a Dict of such by camera and of float32 readings.

    Args:
        sizes: Height and width of each camera's frames in pixels.
        readings: How many numbers each reading holds; ``observation.`` is left out of their names.
    """
    parts: dict[str, gym.Space] = {name: spaces.Box(0, 255, (*size, 3), np.uint8) for name, size in sizes.items()}
    parts |= {strip_prefix(name): spaces.Box(-np.inf, np.inf, (count,), np.float32) for name, count in readings.items()}
    return spaces.Dict(parts) if len(parts) > 1 else next(iter(parts.values()))


def strip_prefix(reading: str) -> str:
    """Return the name that a reading had in the real observation."""
    return reading.removeprefix("observation.")


def observed(world: WorldModel, state: WorldState) -> Any:
    """Return what lanes observe where they stand: uint8 pixels ``[b, h, w, 3]``, with readings ``[b, d]`` if any."""
    pixels = by_camera(world, state.frame)
    if not world.readings:
        return pixels
    views = pixels if isinstance(pixels, dict) else {world.cameras[0]: pixels}
    return views | {strip_prefix(name): values for name, values in world.read(state.features).items()}


def by_camera(world: WorldModel, frames: Tensor) -> Any:
    """Turn float frames ``[..., c, h, w]`` into uint8 pixels ``[..., h, w, 3]``, by camera where there are several.

    Cameras lie one after the other on the channel axis, in the order of ``world.cameras``. The pixels are new memory.
    """
    pixels = frames_to_pixels(frames)
    if len(world.cameras) == 1:
        return pixels.contiguous()
    views = pixels.split(3, dim=-1)
    return {camera: view.contiguous() for camera, view in zip(world.cameras, views, strict=True)}


def side_by_side(observation: Any, cameras: Sequence[str]) -> np.ndarray:
    """Return one picture ``[..., h, w, 3]`` of an observation: several cameras stand next to each other."""
    views = [observation[camera] for camera in cameras] if isinstance(observation, dict) else [observation]
    return np.concatenate([to_numpy(view) for view in views], axis=-2)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply ``function`` to every array, tensor or number of a tree of dicts and tuples."""
    if isinstance(tree, dict):
        return {key: map_leaves(function, part) for key, part in tree.items()}
    if isinstance(tree, tuple):
        return tuple(map_leaves(function, part) for part in tree)
    return function(tree)


def to_numpy(value: Any) -> Any:
    """Bring a tensor to NumPy, in memory of its own; leave anything else as it is."""
    return value.detach().cpu().numpy().copy() if isinstance(value, Tensor) else value


def checked_action(space: gym.Space, action: Any, device: torch.device) -> Any:
    """Return a copy of ``action`` as a tree of tensors on ``device``, in the dtypes of ``space``.

    Numbers may come as NumPy arrays, tensors, lists or Python numbers, and in another precision than the space's
    (float64 for a float32 Box, int32 for a Discrete), but never as floats for integers.

    Raises:
        InvalidAction: `action` lies outside of `space`.
    """
    try:
        native = _cast(space, action)
    except (TypeError, ValueError, KeyError):
        native = None
    if native is None or not space.contains(native):
        raise InvalidAction(f"`action` must lie in {space}, got {action!r}.")
    return map_leaves(lambda leaf: torch.tensor(leaf, device=device), native)


def _cast(space: gym.Space, action: Any) -> Any:
    """Rebuild ``action`` in the structure and dtypes of ``space``; TypeError, ValueError or KeyError if it can't be."""
    if isinstance(space, spaces.Dict):
        if not isinstance(action, dict) or action.keys() - space.spaces.keys():
            raise TypeError("not the entries of the space")
        return {key: _cast(part, action[key]) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_cast(part, value) for part, value in zip(space.spaces, action, strict=True))
    values = np.asarray(to_numpy(action))
    cast = values.astype(space.dtype)
    if not np.issubdtype(cast.dtype, np.floating) and (values.dtype.kind not in "biu" or (cast != values).any()):
        raise ValueError("not whole numbers within the dtype")
    return cast[()] if isinstance(space, spaces.Discrete) else cast
