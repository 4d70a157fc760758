"""What a policy reads from an observation: pictures and readings, as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
        frames: uint8 ``[..., c, h, w]``; cameras follow each other on the channel axis.
        readings: float32 ``[..., d]``; NaN where a number is unknown.
    """

    frames: Tensor
    readings: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> ObservationBatch:
        """Apply a function to both tensors."""
        return ObservationBatch(function(self.frames), function(self.readings))

    def with_goal(self, goal: Tensor) -> ObservationBatch:
        """Append each lane's goal ``[b, c, h, w]`` as further channels to frames ``[b, ..., c, h, w]``."""
        between = self.frames.dim() - goal.dim()
        expanded = goal.reshape(len(goal), *[1] * between, *goal.shape[1:]).expand_as(self.frames)
        return ObservationBatch(torch.cat([self.frames, expanded], dim=-3), self.readings)


class Observer:
    """Read observations of a space: uint8 pictures ``[h, w, c]`` of one size, and vectors of numbers (readings).

    Args:
        space: One picture, or a Dict of pictures and vectors.
        cameras: The order of the pictures on the channel axis; None takes the order of the space.

    Raises:
        ValueError: Anything else in the space, no picture, pictures of several sizes, or unknown cameras.
    """

    def __init__(self, space: gym.Space, cameras: Sequence[str] | None = None) -> None:
        self.space = space
        parts = dict(space.spaces) if isinstance(space, spaces.Dict) else {"": space}
        pictures = {name: part for name, part in parts.items() if isinstance(part, spaces.Box) and _is_picture(part)}
        vectors = {name: part for name, part in parts.items() if isinstance(part, spaces.Box) and len(part.shape) == 1}
        sizes = {(part.shape[0], part.shape[1]) for part in pictures.values()}
        if len(sizes) != 1 or len(pictures) + len(vectors) < len(parts):
            raise ValueError(
                "`space` must be a uint8 Box [h, w, 3], or a Dict of such Boxes of one size and of vectors, "
                f"got {space}. vdworld.envs.FrameObservation turns a real environment into one that observes this."
            )
        ordered = tuple(pictures) if cameras is None or not isinstance(space, spaces.Dict) else tuple(cameras)
        if sorted(ordered) != sorted(pictures):
            raise ValueError(f"`cameras` must be {', '.join(pictures)} in some order, got {', '.join(ordered)}.")
        self.cameras, self.readings = ordered, tuple(vectors)
        self.image_size: tuple[int, int] = next(iter(sizes))
        self.num_channels = sum(pictures[name].shape[2] for name in ordered)
        self.num_readings = sum(part.shape[0] for part in vectors.values())
        self._shapes = {name: part.shape for name, part in (pictures | vectors).items()}

    def is_batched(self, observation: Any) -> bool:
        """Return whether an observation is a batch of several, going by its shape as Stable-Baselines3 does.

        Raises:
            ValueError: It is neither one observation of the space nor a batch of them.
        """
        parts = observation if isinstance(observation, Mapping) else {"": observation}
        shapes = {name: tuple(np.shape(part)) for name, part in parts.items()}
        if shapes == self._shapes:
            return False
        num_lanes = {shape[:1] for shape in shapes.values()}
        if len(num_lanes) == 1 and {name: shape[1:] for name, shape in shapes.items()} == self._shapes:
            return True
        raise ValueError(
            f"`observation` must be one observation of {self.space} or a batch of them, got shapes {shapes}."
        )

    def read(self, observation: Any, device: torch.device) -> ObservationBatch:
        """Read a batch of observations, arrays or tensors."""
        parts = observation if isinstance(observation, dict) else {"": observation}
        views = [torch.as_tensor(parts[name], device=device) for name in self.cameras]
        frames = torch.cat(views, dim=-1).movedim(-1, -3).contiguous()
        numbers = [torch.as_tensor(parts[name], device=device).float() for name in self.readings]
        readings = torch.cat(numbers, dim=-1) if numbers else _unknown(frames, 0)
        return ObservationBatch(frames, readings)

    def read_pictures(self, pictures: Any, device: torch.device) -> ObservationBatch:
        """Read pixels ``[..., h, w, c]`` without readings, a dict of them by camera where there are several."""
        views = [pictures[name] for name in self.cameras] if isinstance(pictures, dict) else [pictures]
        frames = torch.cat([torch.as_tensor(view, device=device) for view in views], dim=-1).movedim(-1, -3)
        return ObservationBatch(frames.contiguous(), _unknown(frames, self.num_readings))

    def read_frames(self, frames: Tensor, device: torch.device) -> ObservationBatch:
        """Read float frames ``[..., c, h, w]`` in [-1, 1] without readings."""
        pixels = frames_to_pixels(frames.to(device)).movedim(-1, -3).contiguous()
        return ObservationBatch(pixels, _unknown(pixels, self.num_readings))

    def read_final(self, final: Any, current: ObservationBatch) -> ObservationBatch:
        """Read ``"final_obs"`` of mode SAME_STEP: a batch of tensors, or an object array with None for other lanes.

        Args:
            final: The entry of the info.
            current: The newest observations, which fill the lanes whose episode has not ended.
        """
        device = current.frames.device
        if not (isinstance(final, np.ndarray) and final.dtype == object):
            return self.read(final, device)
        lanes = [lane for lane, single in enumerate(final) if single is not None]
        singles = [self.read(batch_of_one(final[lane]), device) for lane in lanes]
        merged = current.map(Tensor.clone)
        merged.frames[lanes] = torch.cat([single.frames for single in singles])
        merged.readings[lanes] = torch.cat([single.readings for single in singles])
        return merged


def batch_of_one(observation: Any) -> Any:
    """Return one observation, an array or a dict of them, with a lane axis in front."""
    if isinstance(observation, dict):
        return {name: np.asarray(part)[None] for name, part in observation.items()}
    return np.asarray(observation)[None]


def _is_picture(space: spaces.Box) -> bool:
    return space.dtype == np.uint8 and len(space.shape) == 3


def _unknown(frames: Tensor, count: int) -> Tensor:
    return torch.full((*frames.shape[:-3], count), float("nan"), device=frames.device)
