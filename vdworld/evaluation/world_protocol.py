"""The interface of a world model that evaluations use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym

from vdworld.types import Frames


@runtime_checkable
class World(Protocol):
    """The part of ``WorldModel`` that evaluations use; other models that implement it can be measured too."""

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the images in its frames, which are concatenated on the channel axis."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of its frames in pixels."""
        ...

    @property
    def context_length(self) -> int:
        """Number of real frames it starts from."""
        ...

    @property
    def fps(self) -> float:
        """Frames per second of the environment's time."""
        ...

    @property
    def action_space(self) -> gym.Space:
        """The space of the actions that ``rollout`` takes."""
        ...

    @property
    def device(self) -> Any:
        """The device on which it computes."""
        ...

    @property
    def has_reward(self) -> bool:
        """Whether ``rollout`` predicts rewards."""
        ...

    @property
    def training_info(self) -> Mapping[str, Any]:
        """How it was trained, as plain JSON values."""
        ...

    def start(self, frames: Frames, actions: Any = None, *, seed: Sequence[int] = ...) -> Any:
        """Return the state after real frames ``[b, k, c, h, w]`` and the k - 1 native actions between them."""
        ...

    def rollout(self, state: Any, actions: Any, /, *, num_sampling_steps: int | None = None) -> Any:
        """Return an object with ``frames [b, h, c, H, W]``, ``rewards`` and ``continuations [b, h]``."""
        ...
