"""Goals of recorded clips, told afterwards: whatever was reached later was the goal."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vdworld.data import Clips
from vdworld.types import StepMask


@dataclass(frozen=True)
class Hindsight:
    """What b clips of t actions led to (Ghosh et al. 2021, "Learning to reach goals via iterated supervised learning").

    Args:
        goals: The frames that were reached, uint8 ``[b, c, h, w]``.
        leading: Which actions led there ``[b, t]``: those up to the last one before which the goal was drawn.
        ahead: How many steps after the first action of the clip the goal was seen, int64 ``[b]``.
    """

    goals: Tensor
    leading: StepMask
    ahead: Tensor


def relabel_goals(clips: Clips, *, goal_offset: int, rng: torch.Generator) -> Hindsight:
    """Draw how many actions of each clip count, from 1 to all of them, and a goal 1 to `goal_offset` steps ahead.

    The number of actions is drawn so that a memory of any age meets goals of any distance: with all of them, the goal
    would never lie near where a clip begins, as it does in the real environment.

    Args:
        clips: Of t + `goal_offset` - 1 transitions, with one context frame.
        goal_offset: How far ahead of the last action that counts a goal may lie, in steps; 1 is what it led to.
        rng: The CPU generator that decides.
    """
    b, horizon = len(clips), clips.actions.shape[1] - goal_offset + 1
    last = torch.randint(horizon, (b,), generator=rng)
    ahead = last + torch.randint(1, goal_offset + 1, (b,), generator=rng)
    leading = torch.arange(horizon) <= last[:, None]
    return Hindsight(clips.frames[torch.arange(b), ahead], leading, ahead)
