"""What a dream shows: its observation space, and its frames as pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium as gym
from torch import Tensor

from vdworld.envs.frame_spaces import frame_space, strip_prefix
from vdworld.spaces import frames_to_pixels

if TYPE_CHECKING:
    from vdworld.world import WorldModel, WorldState


def observation_space(world: WorldModel) -> gym.Space:
    """Return the observation space of a dream in this world; see ``frame_space``."""
    return frame_space(dict.fromkeys(world.cameras, world.image_size), world.readings)


def observe_lanes(world: WorldModel, state: WorldState) -> Any:
    """Return the lanes' observations as tensors: uint8 pixels ``[b, h, w, 3]`` and, if any, readings ``[b, d]``."""
    pixels = camera_pixels(world, state.frame)
    if not world.readings:
        return pixels
    views = pixels if isinstance(pixels, dict) else {world.cameras[0]: pixels}
    return views | {strip_prefix(name): values for name, values in world.read(state.features).items()}


def camera_pixels(world: WorldModel, frames: Tensor) -> Any:
    """Convert float frames ``[..., c, h, w]`` to uint8 pixels ``[..., h, w, 3]``, by camera where there are several.

    The channel axis holds one camera after the other, in the order of ``world.cameras``. The pixels share no memory
    with the frames.
    """
    pixels = frames_to_pixels(frames)
    if len(world.cameras) == 1:
        return pixels.contiguous()
    views = pixels.split(3, dim=-1)
    return {camera: view.contiguous() for camera, view in zip(world.cameras, views, strict=True)}
