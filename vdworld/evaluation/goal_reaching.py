"""Goal-reaching in the real environment, with every agent from the same restored starts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vdworld.envs.tasks import GoalTask
from vdworld.evaluation.controllers import Controller
from vdworld.evaluation.goal_starts import GoalStarts
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.extras import require
from vdworld.metrics import Interval, bootstrap_interval, paired_difference
from vdworld.spaces import frames_to_pixels


@dataclass(frozen=True)
class Attempt:
    """The attempts of one agent, one per start.

    Args:
        distances: Distance to the goal before the first step and after each step ``[b, budget + 1]``.
        success: Whether the goal was reached at some step ``[b]``.
        strict_success: The same under the stricter rule ``[b]``.
        pixels: The frames, uint8 ``[b, budget + 1, h, w, c]``.
        seconds: Wall time of the agent's decisions, all lanes and steps together.
    """

    distances: np.ndarray
    success: np.ndarray
    strict_success: np.ndarray
    pixels: np.ndarray = field(repr=False)
    seconds: float = 0.0

    @property
    def remaining(self) -> np.ndarray:
        """The distance after the last step as a share of the initial distance ``[b]``; 0 at the goal."""
        return self.distances[:, -1] / self.distances[:, 0]


@dataclass(frozen=True)
class GoalReaching:
    """How well agents reach goals in the real environment; intervals pair agents by start.

    Args:
        attempts: By agent, in the order of the agents, then ``"random"`` and ``"no-op"``.
        windows: Episode number and step of each start ``[b, 2]``.
        goal_pixels: The frame of each goal, uint8 ``[b, h, w, c]``.
        num_solved: Number of candidate starts that were left out because they satisfy their goal.
        goal_offset: Number of recorded steps from a start to its goal.
        budget: Number of steps per attempt.
        frame_gap: Mean absolute difference between restored and recorded start frames, in grey levels.
        unit: Unit of the distances.
        rules: The definitions of ``distance``, ``success`` and ``strict_success``, as text.
        seed: The seed of starts, agents and intervals.
    """

    attempts: dict[str, Attempt]
    windows: np.ndarray
    goal_pixels: np.ndarray = field(repr=False)
    num_solved: int
    goal_offset: int
    budget: int
    frame_gap: float
    unit: str
    rules: dict[str, str]
    seed: int

    @property
    def num_starts(self) -> int:
        """The number of starts."""
        return len(self.windows)

    def interval(self, name: str, measure: str) -> Interval:
        """Return an agent's mean ``remaining``, ``success`` or ``strict_success`` with its 95% interval."""
        values = getattr(self.attempts[name], measure)
        return bootstrap_interval(values, groups=self.windows[:, 0], seed=self.seed)

    def difference(self, first: str, second: str, measure: str) -> Interval:
        """Return the mean difference between two agents, paired by start, with its 95% interval."""
        left, right = (getattr(self.attempts[name], measure).astype(float) for name in (first, second))
        return paired_difference(left, right, groups=self.windows[:, 0], seed=self.seed)


def reach_goals(
    lanes: RealLanes,
    starts: GoalStarts,
    controllers: dict[str, Controller],
    task: GoalTask,
    *,
    budget: int = 50,
    seed: int = 0,
    progress: bool = True,
) -> GoalReaching:
    """Let every controller attempt every start, all starts in lockstep.

    An attempt continues for the whole budget, even after a success. Success means that the goal was reached at some
    step; the remaining distance is that of the last step. A lane stops if the environment ends its episode.

    Args:
        lanes: One real environment per start.
        starts: The goal-reaching problems.
        controllers: Controllers by name.
        task: Restores states, measures distances and decides success.
        budget: Number of steps per attempt.
        seed: Seeds every controller and the intervals.
        progress: Whether to show a progress bar.

    Raises:
        RestoreError: An environment did not take a recorded state.
    """
    attempts = {}
    tqdm = require("tqdm", extra="report").tqdm
    with tqdm(total=budget * len(controllers), desc="real", unit="step", disable=not progress) as bar:
        for name, controller in controllers.items():
            bar.set_description(f"real {name}")
            attempts[name] = _attempt(lanes, starts, controller, task, budget, seed, bar)
    restored = next(iter(attempts.values())).pixels[:, 0].astype(np.float64)
    recorded = frames_to_pixels(starts.context[:, -1]).numpy()
    return GoalReaching(
        attempts=attempts,
        windows=starts.windows,
        goal_pixels=frames_to_pixels(starts.goal_frames).numpy(),
        num_solved=starts.num_solved,
        goal_offset=starts.goal_offset,
        budget=budget,
        frame_gap=float(np.abs(restored - recorded).mean()),
        unit=task.unit,
        rules={"distance": task.distance_rule, "success": task.success_rule, "strict_success": task.strict_rule},
        seed=seed,
    )


def _attempt(
    lanes: RealLanes, starts: GoalStarts, controller: Controller, task: GoalTask, budget: int, seed: int, bar: Any
) -> Attempt:
    lanes.restore(task, starts.states, starts.last_actions)
    controller.reset(lanes, seed=seed, goal=starts.goal_frames, context=(starts.context, starts.actions))
    distances, success, strict, pixels = [], [], [], []
    seconds = 0.0
    for step in range(budget + 1):
        states = [task.read(env) for env in lanes.envs]
        pairs = list(zip(states, starts.goals, strict=True))
        distances.append([task.distance(*pair) for pair in pairs])
        success.append([task.success(*pair) for pair in pairs])
        strict.append([task.strict_success(*pair) for pair in pairs])
        pixels.append(lanes.pixels)
        if step < budget:
            start = time.perf_counter()
            actions = controller.act(lanes)
            seconds += time.perf_counter() - start
            lanes.step(actions)
            bar.update()
    return Attempt(
        np.array(distances).T, np.any(success, axis=0), np.any(strict, axis=0), np.stack(pixels, axis=1), seconds
    )
