"""Pictures and numbers in whatever an environment observes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

_CHANNELS = (1, 3, 4)  # grey, RGB, RGB with alpha
_SMALLEST_SIDE = 8  # pixels; uint8 arrays below are no pictures
RENDER = "render"


@dataclass(frozen=True)
class Camera:
    """Where pictures come from.

    Args:
        name: Its name in datasets.
        path: Keys that lead to the picture in the observation; None renders.
    """

    name: str
    path: tuple[str, ...] | None

    def look(self, env: gym.Env, observation: Any) -> np.ndarray:
        """Return the present picture, uint8 RGB ``[h, w, 3]``.

        Raises:
            ValueError: The environment rendered something else.
        """
        if self.path is None:
            picture: Any = env.render()
            if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim not in (2, 3):
                raise ValueError(f"`render()` must return a uint8 picture [h, w, 3], got {type(picture).__name__}.")
            return to_rgb(picture)
        for key in self.path:
            observation = observation[key]
        return to_rgb(np.asarray(observation))


def find_cameras(env: gym.Env, camera: str | None = None) -> tuple[Camera, ...]:
    """Return the pictures that an environment offers: those in its observation, else its rendering.

    Args:
        env: The environment.
        camera: The only one wanted; ``"render"`` renders even if there are pictures in the observation.

    Raises:
        ValueError: There is no picture, or none of that name.
    """
    observed = [Camera(_name(path), path) for path, space in _leaves(env.observation_space) if _is_picture(space)]
    rendered = [Camera(RENDER, None)] if env.render_mode == "rgb_array" else []
    offered = [*observed, *rendered]
    if not offered:
        raise ValueError(
            "`env` must show pictures: a uint8 Box [h, w, 3] as its observation or in its Dict, or render_mode "
            f"'rgb_array'; got {env} with {env.observation_space} and "
            f"render modes {env.metadata.get('render_modes', [])}. Wrap it so that `render()` returns a picture, and "
            "pass a function that builds the wrapped environment."
        )
    if camera is None:
        return tuple(observed or rendered)
    chosen = tuple(c for c in offered if c.name == camera)
    if not chosen:
        raise ValueError(f"`camera` must be one of {[c.name for c in offered]}, got {camera!r}.")
    return chosen


def to_rgb(picture: np.ndarray) -> np.ndarray:
    """Turn a grey, RGB or RGBA picture, channels first or last, into RGB ``[h, w, 3]``."""
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.shape[-1] not in _CHANNELS:
        picture = np.moveaxis(picture, 0, -1)
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture[..., :3]


def observed_numbers(space: gym.Space, observation: Any) -> dict[str, np.ndarray]:
    """Return an observation's numbers, ``[d]`` each, as ``observation.<key>``; bare ones as ``observation.state``."""
    numbers = {}
    for path, leaf in _leaves(space):
        if _is_picture(leaf):
            continue
        value = observation
        for key in path:
            value = value[key]
        if (vector := _vector(value)) is not None:
            numbers["observation." + (".".join(path) or "state")] = vector
    return numbers


def info_numbers(info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the numbers in an ``info``, ``[d]`` each, as ``info.<key>``; nested ones as ``info.<key>.<key>``."""
    numbers = {}
    for key, value in info.items():
        if isinstance(value, Mapping):
            nested = info_numbers(value)
            numbers |= {f"info.{key}.{name.removeprefix('info.')}": number for name, number in nested.items()}
        elif (vector := _vector(value)) is not None:
            numbers[f"info.{key}"] = vector
    return numbers


def _vector(value: Any) -> np.ndarray | None:
    """Return flat numbers, or None for anything else."""
    if not isinstance(value, np.ndarray | np.generic | int | float | bool):
        return None
    array = np.asarray(value).ravel()
    return array if array.dtype.kind in "fiub" and array.size > 0 else None


def _leaves(space: gym.Space, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], gym.Space]]:
    if isinstance(space, spaces.Dict):
        for key, part in space.spaces.items():
            yield from _leaves(part, (*path, key))
    else:
        yield path, space


def _is_picture(space: gym.Space) -> bool:
    if not isinstance(space, spaces.Box) or space.dtype != np.uint8:
        return False
    sides = [*space.shape]
    if len(sides) == 3:
        channels = next((axis for axis in (2, 0) if sides[axis] in _CHANNELS), None)
        if channels is None:
            return False
        del sides[channels]
    return len(sides) == 2 and min(sides) >= _SMALLEST_SIDE


def _name(path: tuple[str, ...]) -> str:
    return "_".join(path).replace("/", "_").replace(".", "_") or "pixels"
