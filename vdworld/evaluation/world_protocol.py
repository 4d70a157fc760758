"""What an evaluation asks of a world model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym

from vdworld.types import Frames


@runtime_checkable
class World(Protocol):
    """The part of ``WorldModel`` that evaluations use, so that other people's models can be measured too."""

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the images it sees; its frames hold them one behind another on the channel axis."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of its frames in pixels."""
        ...

    @property
    def context_length(self) -> int:
        """How many real frames it starts from."""
        ...

    @property
    def fps(self) -> float:
        """Frames per second of the environment's own time."""
        ...

    @property
    def action_space(self) -> gym.Space:
        """What ``rollout`` takes."""
        ...

    @property
    def device(self) -> Any:
        """Where it computes."""
        ...

    @property
    def has_reward(self) -> bool:
        """Whether ``rollout`` predicts rewards."""
        ...

    @property
    def training_info(self) -> Mapping[str, Any]:
        """How it was trained; plain JSON values."""
        ...

    def start(self, frames: Frames, actions: Any = None, *, seed: Sequence[int] = ...) -> Any:
        """Return the state after real frames ``[b, k, c, h, w]`` and the k - 1 native actions between them."""
        ...

    def rollout(self, state: Any, actions: Any, /, *, num_sampling_steps: int | None = None) -> Any:
        """Return an object with ``frames [b, h, c, H, W]``, ``rewards`` and ``continuations [b, h]``."""
        ...
