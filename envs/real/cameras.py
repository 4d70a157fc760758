"""Find the pictures that an environment offers, in its observation or by rendering, and take them as RGB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

_CHANNELS = (1, 3, 4)  # grey, RGB, RGB with alpha
_SMALLEST_SIDE = 8  # pixels; smaller uint8 arrays are not pictures
RENDER = "render"


@dataclass(frozen=True)
class Camera:
    """A source of pictures.

    Args:
        name: Its name in datasets.
        path: The keys that lead to the picture in the observation; None renders.
    """

    name: str
    path: tuple[str, ...] | None

    def observe(self, env: gym.Env, observation: Any) -> np.ndarray:
        """Return the current picture, uint8 RGB ``[h, w, 3]``.

        Args:
            env: The environment.
            observation: Its current observation.

        Raises:
            ValueError: The environment gave something other than a uint8 picture.
        """
        if self.path is None:
            return to_rgb(_checked("`render()` must return", env.render()))
        for key in self.path:
            observation = observation[key]
        return to_rgb(_checked(f"The observation of camera {self.name!r} must be", np.asarray(observation)))


def find_cameras(env: gym.Env, camera: str | None = None) -> tuple[Camera, ...]:
    """Return an environment's cameras: the pictures in its observation or, if there are none, its rendering.

    Args:
        env: The environment.
        camera: Return this camera alone. ``"render"`` renders even if the observation holds pictures.

    Raises:
        ValueError: There is no picture, or no camera of this name.
    """
    observed = [Camera(_name(path), path) for path, space in space_leaves(env.observation_space) if is_picture(space)]
    rendered = [Camera(RENDER, None)] if env.render_mode == "rgb_array" else []
    cameras = [*observed, *rendered]
    if not cameras:
        raise ValueError(
            "`env` must show pictures: a uint8 Box [h, w, 3] as its observation or in its Dict, or render_mode "
            f"'rgb_array'; got {env} with {env.observation_space} and "
            f"render modes {env.metadata.get('render_modes', [])}. Wrap it so that `render()` returns a picture, and "
            "pass a function that builds the wrapped environment."
        )
    if camera is None:
        return tuple(observed or rendered)
    matches = tuple(c for c in cameras if c.name == camera)
    if not matches:
        raise ValueError(f"`camera` must be one of {[c.name for c in cameras]}, got {camera!r}.")
    return matches


def to_rgb(picture: np.ndarray) -> np.ndarray:
    """Convert a grey, RGB or RGBA picture, channels first or last, to RGB ``[h, w, 3]``."""
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.shape[-1] not in _CHANNELS:
        picture = np.moveaxis(picture, 0, -1)
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture[..., :3]


def space_leaves(space: gym.Space, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], gym.Space]]:
    """Yield the spaces inside nested Dicts, each with the keys that lead to it."""
    if isinstance(space, spaces.Dict):
        for key, part in space.spaces.items():
            yield from space_leaves(part, (*path, key))
    else:
        yield path, space


def is_picture(space: gym.Space) -> bool:
    """Return whether a space holds pictures: uint8, 1, 3 or 4 channels first or last, no side below 8 pixels."""
    if not isinstance(space, spaces.Box) or space.dtype != np.uint8:
        return False
    sides = [*space.shape]
    if len(sides) == 3:
        channels = next((axis for axis in (2, 0) if sides[axis] in _CHANNELS), None)
        if channels is None:
            return False
        del sides[channels]
    return len(sides) == 2 and min(sides) >= _SMALLEST_SIDE


def _checked(rule: str, picture: Any) -> np.ndarray:
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        kind = f"{picture.dtype} {list(picture.shape)}" if isinstance(picture, np.ndarray) else type(picture).__name__
        raise ValueError(f"{rule} a uint8 picture [h, w, 3], got {kind}.")
    return picture


def _name(path: tuple[str, ...]) -> str:
    return "_".join(path).replace("/", "_").replace(".", "_") or "pixels"
