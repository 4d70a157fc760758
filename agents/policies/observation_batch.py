"""What a policy sees of an observation: pictures and numbers, as tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from vdworld.spaces import frames_to_pixels


@dataclass(frozen=True)
class ObservationBatch:
    """A batch of observations.

    Args:
        frames: uint8 ``[..., c, h, w]``; cameras lie one after the other on the channel axis.
        readings: float32 ``[..., d]``; NaN where a number is not known.
    """

    frames: Tensor
    readings: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> ObservationBatch:
        """Apply a function to both."""
        return ObservationBatch(function(self.frames), function(self.readings))


class Observer:
    """Read observations of a space: uint8 pictures ``[h, w, c]`` of one size, and vectors of numbers beside them.

    Args:
        space: One picture, or a Dict of pictures and vectors.
        cameras: The order of the pictures on the channel axis; None takes the order of the space.

    Raises:
        ValueError: Anything else in the space, no picture, pictures of several sizes, or other cameras.
    """

    def __init__(self, space: gym.Space, cameras: Sequence[str] | None = None) -> None:
        self.space = space
        parts = dict(space.spaces) if isinstance(space, spaces.Dict) else {"": space}
        pictures = {name: part for name, part in parts.items() if isinstance(part, spaces.Box) and _is_picture(part)}
        vectors = {name: part for name, part in parts.items() if isinstance(part, spaces.Box) and len(part.shape) == 1}
        sizes = {(part.shape[0], part.shape[1]) for part in pictures.values()}
        if len(sizes) != 1 or len(pictures) + len(vectors) < len(parts):
            raise ValueError(
                "`space` must be a uint8 Box [h, w, 3], or a Dict of such of one size and of vectors, "
                f"got {space}. vdworld.envs.FrameObservation makes such an environment of a real one."
            )
        chosen = tuple(pictures) if cameras is None or not isinstance(space, spaces.Dict) else tuple(cameras)
        if sorted(chosen) != sorted(pictures):
            raise ValueError(f"`cameras` must be {', '.join(pictures)} in some order, got {', '.join(chosen)}.")
        self.cameras, self.readings = chosen, tuple(vectors)
        self.image_size: tuple[int, int] = next(iter(sizes))
        self.num_channels = sum(pictures[name].shape[2] for name in chosen)
        self.num_readings = sum(part.shape[0] for part in vectors.values())

    def read(self, observation: Any, device: torch.device) -> ObservationBatch:
        """Read a batch of observations, arrays or tensors."""
        parts = observation if isinstance(observation, dict) else {"": observation}
        views = [torch.as_tensor(parts[name], device=device) for name in self.cameras]
        frames = torch.cat(views, dim=-1).movedim(-1, -3).contiguous()
        numbers = [torch.as_tensor(parts[name], device=device).float() for name in self.readings]
        readings = torch.cat(numbers, dim=-1) if numbers else _unknown(frames, 0)
        return ObservationBatch(frames, readings)

    def read_pictures(self, pictures: Any, device: torch.device) -> ObservationBatch:
        """Read pixels ``[..., h, w, c]`` alone, by camera where there are several; the readings are not known."""
        views = [pictures[name] for name in self.cameras] if isinstance(pictures, dict) else [pictures]
        frames = torch.cat([torch.as_tensor(view, device=device) for view in views], dim=-1).movedim(-1, -3)
        return ObservationBatch(frames.contiguous(), _unknown(frames, self.num_readings))

    def read_frames(self, frames: Tensor, device: torch.device) -> ObservationBatch:
        """Read float frames ``[..., c, h, w]`` in [-1, 1]; the readings are not known."""
        pixels = frames_to_pixels(frames.to(device)).movedim(-1, -3).contiguous()
        return ObservationBatch(pixels, _unknown(pixels, self.num_readings))

    def read_final(self, final: Any, seen: ObservationBatch) -> ObservationBatch:
        """Read ``"final_obs"`` of mode SAME_STEP: a batch of tensors, or an object array with None for other lanes.

        Args:
            final: What the info holds.
            seen: What the lanes observe now, for those whose episode has not ended.
        """
        device = seen.frames.device
        if not (isinstance(final, np.ndarray) and final.dtype == object):
            return self.read(final, device)
        lanes = [lane for lane, single in enumerate(final) if single is not None]
        read = [self.read(_batch_of_one(final[lane]), device) for lane in lanes]
        whole = seen.map(Tensor.clone)
        whole.frames[lanes] = torch.cat([one.frames for one in read])
        whole.readings[lanes] = torch.cat([one.readings for one in read])
        return whole


def _is_picture(space: spaces.Box) -> bool:
    return space.dtype == np.uint8 and len(space.shape) == 3


def _unknown(frames: Tensor, count: int) -> Tensor:
    return torch.full((*frames.shape[:-3], count), float("nan"), device=frames.device)


def _batch_of_one(single: Any) -> Any:
    if isinstance(single, dict):
        return {name: np.asarray(part)[None] for name, part in single.items()}
    return np.asarray(single)[None]
