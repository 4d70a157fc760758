"""The goals that lanes pursue, appended to their observations."""

from __future__ import annotations

import torch
from torch import Tensor

from vdworld.agents.policies.observation_batch import ObservationBatch, Observer
from vdworld.types import Frame, LaneMask


class LaneGoals:
    """Hold one goal frame per lane.

    Args:
        observer: Reads the observations, whose size goals must have.
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self._frames: Tensor | None = None  # uint8 [b, c, h, w]

    def reset(self, mask: LaneMask | None, goal: Frame | None, device: torch.device) -> None:
        """Set new goals ``[b, c, h, w]`` in the lanes of ``mask`` ``[b]``; None means all lanes, or no goals.

        Raises:
            ValueError: Goals of another size, or a mask of some lanes where these or the others have no goal.
        """
        size = (self.observer.num_channels, *self.observer.image_size)
        if goal is not None and goal.shape[1:] != size:
            raise ValueError(
                f"`goal` must hold frames of the observations' size, {list(size)}, got {list(goal.shape[1:])}."
            )
        new = None if goal is None else self.observer.read_frames(goal, device).frames
        if mask is None or bool(mask.all()):
            self._frames = new
            return
        if new is None or self._frames is None or len(mask) != len(new) or len(mask) != len(self._frames):
            raise ValueError(
                "`goal` must hold a frame for every lane when only some are reset, and the other lanes must have goals "
                "already: reset all lanes with `goal=frames` first."
            )
        self._frames = torch.where(mask.to(device)[:, None, None, None], new, self._frames)

    def append(self, observations: ObservationBatch) -> ObservationBatch:
        """Append the goals as further channels to observations ``[b, ..., c, h, w]``.

        Raises:
            ValueError: There are no goals, or those of another number of lanes.
        """
        if self._frames is None:
            raise ValueError(
                "`goal` must be given to a policy that was trained with goals: call reset(goal=frames) before act(). "
                "If the environment has no goals, train a policy without them."
            )
        if len(self._frames) != len(observations.frames):
            raise ValueError(
                f"`goal` must hold one frame per lane, {len(observations.frames)}, got {len(self._frames)}."
            )
        return observations.with_goal(self._frames)
