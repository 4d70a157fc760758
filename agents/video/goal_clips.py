"""Clips that know where they lead: the goal is one more camera."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vdworld.data import Clips, ClipSampler, Dataset


def goal_cameras(cameras: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the cameras that show the goals of others."""
    return tuple(f"goal_{camera}" for camera in cameras)


class GoalClips:
    """Sample clips whose frames show, on as many channels behind their own, a later moment of the same episode.

    That moment is drawn for every clip, from 1 to `goal_offset` steps after its last context frame as far as the
    episode goes, each as likely: what did happen is what was wanted (hindsight relabelling, Andrychowicz et al. 2017).
    All frames of a clip show the same goal. The actions of the recording are hidden: in their place stands a choice
    with one option only, number 0, or the instruction that the episode followed.

    Args:
        dataset: The episodes, usually one split.
        context_length: Context frames K, at least 1.
        horizon: Target frames H, at least 1.
        goal_offset: Most steps from the last context frame to the goal; 0 has no goal cameras.
        instructions: What each episode was to do: its number in the folder to a vector ``[d]``; None hides the actions.

    Raises:
        ValueError: No episode is long enough, neither goals nor instructions, or an episode without an instruction.
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
        self._last = num_rows - 1  # step of every episode's last frame
        self._first = num_rows.cumsum(dim=0) - num_rows  # its first frame among all
        self._instructions = None if instructions is None else _table(instructions, self._clips.episodes.tolist())

    def sample(self, batch_size: int, rng: torch.Generator) -> Clips:
        """Draw clips and their goals; see ``ClipSampler.sample``."""
        clips = self._clips.sample(batch_size, rng)
        owner = torch.searchsorted(self._clips.episodes, clips.episodes)
        frames = clips.frames
        if self.goal_offset:
            room = (self._last[owner] - clips.steps).clamp(max=self.goal_offset)
            ahead = 1 + (torch.rand(batch_size, generator=rng) * room).long()
            goals = self._clips.frames[self._first[owner] + clips.steps + ahead]
            frames = torch.cat([frames, goals[:, None].expand_as(frames)], dim=2)
        return dataclasses.replace(clips, frames=frames, actions=self._conditions(owner, clips.action_mask))

    def _conditions(self, owner: Tensor, action_mask: Tensor) -> Tensor:
        """Return what stands in the place of actions ``[b, t, n]``, zeros where nothing was done."""
        if self._instructions is None:
            return torch.zeros(*action_mask.shape, 1)
        return self._instructions[owner][:, None] * action_mask[..., None]


def _table(instructions: Mapping[int, Any], episodes: list[int]) -> Tensor:
    """Return the instructions of episodes as rows ``[e, d]``."""
    if missing := [index for index in episodes if index not in instructions]:
        raise ValueError(f"`instructions` must hold a vector for every episode, got none for {missing[:8]}.")
    rows = [torch.as_tensor(instructions[index], dtype=torch.float32) for index in episodes]
    if len({row.shape for row in rows}) != 1 or rows[0].ndim != 1:
        raise ValueError(
            f"`instructions` must hold vectors of one length, got {sorted({tuple(r.shape) for r in rows})}."
        )
    return torch.stack(rows)
