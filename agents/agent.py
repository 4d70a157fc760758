"""The protocol of agents, which decide for a batch of episodes at once."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from vdworld.types import Frame, Frames, LaneMask


@runtime_checkable
class Agent(Protocol):
    """Choose actions for b episodes at once, in the environment's units.

    ``reset()`` without arguments begins new episodes in all lanes, without goals and without a past. An agent that
    can't act without a goal may say so by an attribute ``needs_goal = True``.
    """

    def reset(
        self,
        mask: LaneMask | None = None,
        seed: int | None = None,
        goal: Frame | None = None,
        context: tuple[Frames, Tensor] | None = None,
    ) -> None:
        """Begin new episodes.

        Args:
            mask: Which lanes begin a new episode ``[b]``; None means all.
            seed: Seeds everything random in the agent; None continues its random streams.
            goal: Frames to reach ``[b, c, h, w]`` in [-1, 1], for agents that pursue goals; None means no goals.
            context: Real frames ``[b, k, c, h, w]`` up to the first of the episode, newest last, and the flat actions
                ``[b, k - 1, n]`` between them; None means no past.
        """
        ...

    def act(self, observation: Frame) -> Any:
        """Choose one action per lane, given the newest frames ``[b, c, h, w]`` in [-1, 1]."""
        ...
