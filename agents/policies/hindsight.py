"""Hindsight relabelling of recorded clips: what was reached later was the goal."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vdworld.data import Clips
from vdworld.types import StepMask


@dataclass(frozen=True)
class HindsightGoals:
    """Goals of b clips of t actions (Ghosh et al. 2021, "Learning to reach goals via iterated supervised learning").

    Args:
        goals: The frames that were reached, uint8 ``[b, c, h, w]``.
        step_mask: Which actions are imitated ``[b, t]``: a prefix of every clip, before the goal was reached.
        steps_ahead: Number of steps from the first action of the clip to the goal, int64 ``[b]``.
    """

    goals: Tensor
    step_mask: StepMask
    steps_ahead: Tensor


def relabel_goals(clips: Clips, *, goal_offset: int, rng: torch.Generator) -> HindsightGoals:
    """Draw a prefix of each clip, of any length, and a goal 1 to `goal_offset` steps after its last action.

    With the whole clip each time, a policy would never see a goal shortly after its recurrent state was reset, as it
    does in the real environment.

    Args:
        clips: Clips of t + `goal_offset` - 1 transitions, with one context frame. Goals are within their episodes.
        goal_offset: Most steps from before the last action of the prefix to the goal; 1 is the frame it led to.
        rng: A CPU generator.
    """
    b, horizon = len(clips), clips.actions.shape[1] - goal_offset + 1
    num_recorded = clips.target_mask.sum(dim=1)
    last = (torch.rand(b, generator=rng) * num_recorded.clamp(max=horizon)).long()
    room = (num_recorded - last).clamp(max=goal_offset)
    steps_ahead = last + 1 + (torch.rand(b, generator=rng) * room).long()
    step_mask = torch.arange(horizon) <= last[:, None]
    return HindsightGoals(clips.frames[torch.arange(b), steps_ahead], step_mask, steps_ahead)
