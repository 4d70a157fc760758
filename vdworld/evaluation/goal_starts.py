"""Goal-reaching problems from held-out episodes: start at a recorded state, reach the state some steps later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vdworld.data import ClipSampler, Dataset, Episode
from vdworld.data.windows import draw_evenly, usable_steps
from vdworld.envs.tasks import GoalTask, State
from vdworld.evaluation.world_protocol import World
from vdworld.spaces import unflatten_action
from vdworld.training.calibration import longest_episode


@dataclass(frozen=True)
class GoalStarts:
    """Goal-reaching problems, ``b`` of them.

    Args:
        windows: Episode number and step of each start ``[b, 2]``.
        states: The recorded state at each start.
        goals: The recorded state `goal_offset` steps later.
        last_actions: The native action before each start; None at the beginning of an episode.
        context: Real frames up to and including the start, float ``[b, k, c, h, w]``.
        actions: The flat actions between them ``[b, k - 1, n]``.
        goal_frames: The frame of each goal, float ``[b, c, h, w]``.
        goal_offset: Number of recorded steps from a start to its goal.
        num_solved: Number of candidates that were left out because their start satisfies the goal.
    """

    windows: np.ndarray
    states: list[State]
    goals: list[State]
    last_actions: list[object]
    context: Tensor
    actions: Tensor
    goal_frames: Tensor
    goal_offset: int
    num_solved: int

    def __len__(self) -> int:
        """Return the number of problems."""
        return len(self.states)


def choose_starts(
    world: World, dataset: Dataset, task: GoalTask, *, num_starts: int, goal_offset: int = 25, seed: int = 0
) -> GoalStarts:
    """Draw starts evenly over held-out episodes, without those that satisfy their goal.

    Args:
        world: Its context length, cameras and image size are those of the contexts.
        dataset: Held-out episodes with the states that the task restores.
        task: Decides whether a goal is reached.
        num_starts: Number of starts; fewer if the dataset holds fewer.
        goal_offset: Number of recorded steps from a start to its goal.
        seed: Seeds the draw.

    Raises:
        ValueError: The dataset lacks the states, no episode is long enough, or every start satisfies its goal.
    """
    past = world.context_length - 1
    ranges = usable_steps(dataset, past=past, future=goal_offset)
    if not ranges:
        raise ValueError(
            f"`dataset` must hold an episode of at least {past + goal_offset} steps, the longest has "
            f"{longest_episode(dataset)}. Lower `goal_offset` or record longer episodes."
        )
    positions = {entry.index: position for position, entry in enumerate(dataset.entries)}
    windows: list[tuple[int, int]] = []
    rows: list[tuple[State, State, object]] = []
    num_solved = 0
    for index, step in draw_evenly(ranges, np.random.default_rng(seed)):
        episode = dataset.transitions(positions[index])
        state, goal = (recorded_state(episode, task, row) for row in (step, step + goal_offset))
        if task.success(state, goal):
            num_solved += 1
            continue
        last = unflatten_action(dataset.action_space, episode.actions[step - 1]) if step else None
        windows.append((index, step))
        rows.append((state, goal, last))
        if len(rows) == num_starts:
            break
    if not rows:
        raise ValueError(
            f"`dataset` must hold a start that does not satisfy its goal, {goal_offset} steps ahead; all {num_solved} "
            "do. Raise `goal_offset` or record episodes in which more happens."
        )
    states, goals, last_actions = (list(column) for column in zip(*rows, strict=True))
    context, actions, goal_frames = _load_frames(world, dataset, np.array(windows), goal_offset)
    return GoalStarts(
        np.array(windows), states, goals, last_actions, context, actions, goal_frames, goal_offset, num_solved
    )


def recorded_state(episode: Episode, task: GoalTask, row: int) -> State:
    """Return the state that the task restores, at one row of an episode.

    Raises:
        ValueError: The episode lacks an entry of the state.
    """
    missing = [key for key in task.state_keys if key not in episode.state]
    if missing:
        raise ValueError(
            f"`dataset` must hold {', '.join(missing)} to restore the environment, got {sorted(episode.state)}. "
            "Record with `vdworld.record`, which keeps the numeric entries of `info`."
        )
    return {key: episode.state[key][row] for key in task.state_keys}


def _load_frames(
    world: World, dataset: Dataset, windows: np.ndarray, goal_offset: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return context frames, context actions and goal frames."""
    k = world.context_length
    sampler = ClipSampler(
        dataset, context_length=k, horizon=goal_offset, image_size=world.image_size, cameras=world.cameras
    )
    clips = sampler.at(*torch.from_numpy(windows).T.contiguous())
    frames = clips.frames.float().div(127.5).sub(1.0)
    return frames[:, :k], clips.actions[:, : k - 1], frames[:, -1]
