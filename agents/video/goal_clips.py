"""Clips with goals: the goal image is a further camera."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vdworld.data import Clips, ClipSampler, Dataset


def goal_cameras(cameras: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the goal cameras, one for each camera."""
    return tuple(f"goal_{camera}" for camera in cameras)


class GoalClips:
    """Sample clips whose frames have as many channels again, which show a later frame of the same episode.

    This goal is drawn uniformly for every clip, 1 to `goal_offset` steps after its last context frame, within the
    episode (hindsight relabelling, Andrychowicz et al. 2017). All frames of a clip show the same goal. The recorded
    actions are replaced: by a choice with a single option, number 0, or by the instruction of the episode.

    Args:
        dataset: The episodes, usually one split.
        context_length: Number K of context frames, at least 1.
        horizon: Number H of target frames, at least 1.
        goal_offset: Most steps from the last context frame to the goal; 0 means no goal cameras.
        instructions: Maps the number of each episode in the folder to a vector ``[d]``; None means no instructions.

    Raises:
        ValueError: No episode is long enough, there are neither goals nor instructions, or an instruction is missing.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        context_length: int,
        horizon: int,
        goal_offset: int,
        instructions: Mapping[int, Any] | None = None,
    ) -> None:
        if goal_offset < 0 or (goal_offset == 0 and instructions is None):
            raise ValueError(f"`goal_offset` must be at least 1, or 0 with `instructions`, got {goal_offset}.")
        self.context_length, self.goal_offset = context_length, goal_offset
        self._clips = ClipSampler(dataset, context_length=context_length, horizon=horizon)
        lengths = {entry.index: entry.length for entry in dataset.entries}
        num_rows = torch.tensor([lengths[index] for index in self._clips.episodes.tolist()])
        self._last = num_rows - 1  # the last step of every episode
        self._first = num_rows.cumsum(dim=0) - num_rows  # the row of its first frame
        self._instructions = None if instructions is None else _table(instructions, self._clips.episodes.tolist())

    def sample(self, batch_size: int, rng: torch.Generator, place: int | Tensor = 0) -> Clips:
        """Draw clips and their goals; see ``ClipSampler.sample``."""
        return self._with_goals(self._clips.sample(batch_size, rng, place), rng)

    def spread(self, num_clips: int, rng: torch.Generator, *, whole: bool = False) -> Clips:
        """Draw different clips and their goals, evenly over episodes; see ``ClipSampler.spread``."""
        return self._with_goals(self._clips.spread(num_clips, rng, whole=whole), rng)

    def _with_goals(self, clips: Clips, rng: torch.Generator) -> Clips:
        owner = torch.searchsorted(self._clips.episodes, clips.episodes)
        frames = clips.frames
        if self.goal_offset:
            last = self._last[owner]
            steps = clips.steps.clamp(min=0).minimum(last - 1)  # of a clip that begins before its episode, its start
            room = (last - steps).clamp(max=self.goal_offset)
            ahead = 1 + (torch.rand(len(clips), generator=rng) * room).long()
            goals = self._clips.frames[self._first[owner] + steps + ahead]
            frames = torch.cat([frames, goals[:, None].expand_as(frames)], dim=2)
        return dataclasses.replace(clips, frames=frames, actions=self._conditions(owner, clips.action_mask))

    def _conditions(self, owner: Tensor, action_mask: Tensor) -> Tensor:
        """Return what takes the place of actions ``[b, t, n]``, zeros where there was none."""
        if self._instructions is None:
            return torch.zeros(*action_mask.shape, 1)
        return self._instructions[owner][:, None] * action_mask[..., None]


def _table(instructions: Mapping[int, Any], episodes: list[int]) -> Tensor:
    """Return the instructions of the episodes ``[e, d]``."""
    if missing := [index for index in episodes if index not in instructions]:
        raise ValueError(f"`instructions` must hold a vector for every episode, got none for episodes {missing[:8]}.")
    rows = [torch.as_tensor(instructions[index], dtype=torch.float32) for index in episodes]
    if len({row.shape for row in rows}) != 1 or rows[0].ndim != 1:
        raise ValueError(
            f"`instructions` must hold vectors of one length, got {sorted({tuple(r.shape) for r in rows})}."
        )
    return torch.stack(rows)
