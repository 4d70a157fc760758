"""Goal-reaching problems cut out of held-out episodes: start here, bring about what the next 25 steps brought about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vdworld.data import ClipSampler, Dataset, Episode
from vdworld.envs.tasks import GoalTask, State
from vdworld.evaluation.windows import spread, usable_moments
from vdworld.evaluation.world_protocol import World
from vdworld.spaces import unflatten_action
from vdworld.training.calibration import longest_episode


@dataclass(frozen=True)
class Starts:
    """Problems to solve, ``b`` of them.

    Args:
        windows: Episode number and moment of each start ``[b, 2]``.
        states: The recorded state at each start.
        goals: The recorded state ``goal_offset`` steps later.
        last_actions: The native action that led to each start; None at the beginning of an episode.
        context: Real frames up to and including the start, float ``[b, k, c, h, w]``.
        actions: The flat actions between them ``[b, k-1, n]``.
        goal_frames: Float ``[b, c, h, w]``.
        num_solved: How many moments were passed over because the goal was reached from the outset.
    """

    windows: np.ndarray
    states: list[State]
    goals: list[State]
    last_actions: list[object]
    context: Tensor
    actions: Tensor
    goal_frames: Tensor
    num_solved: int

    def __len__(self) -> int:
        """Return the number of problems."""
        return len(self.states)


def choose_starts(
    world: World, dataset: Dataset, task: GoalTask, *, num_starts: int, goal_offset: int = 25, seed: int = 0
) -> Starts:
    """Draw starts evenly over held-out episodes, leaving out those whose goal is reached already.

    Args:
        world: Says how long contexts are, and which frames an agent sees.
        dataset: Held-out episodes with the states that the task needs.
        task: Says what is solved.
        num_starts: How many to draw; all there are if fewer.
        goal_offset: How many steps ahead the goal lies.
        seed: Decides the draw.

    Raises:
        ValueError: The dataset lacks the states, no episode is long enough, or every start is solved.
    """
    past = world.context_length - 1
    spans = usable_moments(dataset, past=past, future=goal_offset)
    if not spans:
        raise ValueError(
            f"`dataset` must hold an episode of at least {past + goal_offset} steps, the longest has "
            f"{longest_episode(dataset)}. Lower `goal_offset` or record longer episodes."
        )
    positions = {entry.index: position for position, entry in enumerate(dataset.entries)}
    windows: list[tuple[int, int]] = []
    rows: list[tuple[State, State, object]] = []
    num_solved = 0
    for index, moment in spread(spans, np.random.default_rng(seed)):
        episode = dataset.transitions(positions[index])
        state, goal = (recorded_state(episode, task, row) for row in (moment, moment + goal_offset))
        if task.success(state, goal):
            num_solved += 1
            continue
        last = unflatten_action(dataset.action_space, episode.actions[moment - 1]) if moment else None
        windows.append((index, moment))
        rows.append((state, goal, last))
        if len(rows) == num_starts:
            break
    if not rows:
        raise ValueError(
            f"`dataset` must hold a start whose goal, {goal_offset} steps ahead, is not reached already; all "
            f"{num_solved} are. Raise `goal_offset` or record with more contact."
        )
    states, goals, last_actions = (list(column) for column in zip(*rows, strict=True))
    context, actions, goal_frames = _look(world, dataset, np.array(windows), goal_offset)
    return Starts(np.array(windows), states, goals, last_actions, context, actions, goal_frames, num_solved)


def recorded_state(episode: Episode, task: GoalTask, row: int) -> State:
    """Return the entries that the task reads, at one row of an episode.

    Raises:
        ValueError: The episode lacks an entry.
    """
    missing = [key for key in task.state_keys if key not in episode.state]
    if missing:
        raise ValueError(
            f"`dataset` must hold {', '.join(missing)} to restore the environment, got {sorted(episode.state)}. "
            "Record with `vdworld.record`, which keeps the numeric entries of `info`."
        )
    return {key: episode.state[key][row] for key in task.state_keys}


def _look(world: World, dataset: Dataset, windows: np.ndarray, goal_offset: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return context frames, context actions and goal frames of the chosen windows."""
    k = world.context_length
    sampler = ClipSampler(
        dataset, context_length=k, horizon=goal_offset, image_size=world.image_size, cameras=world.cameras
    )
    chosen = torch.from_numpy(windows)
    clips = sampler.at(*chosen.T.contiguous())
    frames = clips.frames.float().div(127.5).sub(1.0)
    return frames[:, :k], clips.actions[:, : k - 1], frames[:, -1]
