"""What an agent is: something that decides for a batch of episodes at once."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from vdworld.types import Frame, Frames, LaneMask


@runtime_checkable
class Agent(Protocol):
    """Decide for b episodes at once, in the environment's units."""

    def reset(
        self,
        mask: LaneMask | None = None,
        seed: int | None = None,
        goal: Frame | None = None,
        context: tuple[Frames, Tensor] | None = None,
    ) -> None:
        """Begin new episodes.

        Args:
            mask: Which lanes begin anew ``[b]``; None means all.
            seed: Of everything random in the agent; None goes on with the old streams.
            goal: Frames to reach ``[b, c, h, w]`` in [-1, 1], for agents that pursue goals.
            context: Real frames ``[b, k, c, h, w]`` up to the one the episode begins with, newest last, and the flat
                actions ``[b, k - 1, n]`` between them; None where there is no past.
        """
        ...

    def act(self, observation: Frame) -> Any:
        """Choose one action per lane after seeing the frames ``[b, c, h, w]`` in [-1, 1]."""
        ...
