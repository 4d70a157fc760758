"""Goal-reaching in the real environment: every agent from the same restored starts, beside random and doing nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vdworld.envs.tasks import GoalTask
from vdworld.evaluation.controllers import Controller
from vdworld.evaluation.goal_starts import Starts
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.extras import require
from vdworld.metrics import Interval, bootstrap_interval, paired_difference
from vdworld.spaces import frames_to_pixels


@dataclass(frozen=True)
class Attempt:
    """What one agent did with every start.

    Args:
        distances: To the goal, before the first step and after each ``[b, budget + 1]``.
        success: Whether the goal was reached at some step ``[b]``.
        strict_success: Likewise under the stricter rule ``[b]``.
        pixels: What was seen, uint8 ``[b, budget + 1, h, w, c]``.
        seconds: Wall time that the agent took to decide, all lanes and steps together.
    """

    distances: np.ndarray
    success: np.ndarray
    strict_success: np.ndarray
    pixels: np.ndarray = field(repr=False)
    seconds: float = 0.0

    @property
    def remaining(self) -> np.ndarray:
        """The distance after the last step as a share of the initial one ``[b]``; 0 at the goal, 1 as far as before."""
        return self.distances[:, -1] / self.distances[:, 0]


@dataclass(frozen=True)
class GoalReaching:
    """How well agents reach goals in the real environment; intervals pair agents by start.

    Args:
        attempts: By name: the agents in the order given, then ``"random"`` and ``"no-op"``.
        windows: Episode and moment of each start ``[b, 2]``.
        goal_pixels: uint8 ``[b, h, w, c]``.
        num_solved: Starts that were passed over because their goal was reached from the outset.
        goal_offset: How many recorded steps ahead the goals lie.
        budget: How many steps an agent has.
        frame_gap: Mean difference between restored and recorded start frames, in grey levels of 255.
        unit: Unit of the distances.
        rules: What is measured, in words, under ``distance``, ``success`` and ``strict_success``.
        seed: Of the starts, the agents and the intervals.
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
    starts: Starts,
    controllers: dict[str, Controller],
    task: GoalTask,
    *,
    goal_offset: int,
    budget: int = 50,
    seed: int = 0,
    progress: bool = True,
) -> GoalReaching:
    """Let every controller try every start, all starts in lock-step.

    An attempt goes on for the whole budget, also past a success: success says that the goal was reached at some step,
    the distance says where the attempt ended. A lane whose episode the environment ends stands still from there on.

    Args:
        lanes: One real environment per start.
        starts: The problems.
        controllers: Who tries, by name.
        task: Restores and judges.
        goal_offset: How many recorded steps ahead the goals lie; for the record.
        budget: Steps per attempt.
        seed: Given to every controller.
        progress: Whether to show a progress bar.

    Raises:
        RestoreError: An environment did not take a recorded state.
    """
    attempts = {}
    tqdm = require("tqdm", extra="report").tqdm
    with tqdm(total=budget * len(controllers), unit="step", disable=not progress) as bar:
        for name, controller in controllers.items():
            bar.set_description(f"real {name}")
            attempts[name] = _attempt(lanes, starts, controller, task, budget, seed, bar)
    shown = next(iter(attempts.values())).pixels[:, 0].astype(np.float64)
    recorded = frames_to_pixels(starts.context[:, -1]).numpy()
    return GoalReaching(
        attempts=attempts,
        windows=starts.windows,
        goal_pixels=frames_to_pixels(starts.goal_frames).numpy(),
        num_solved=starts.num_solved,
        goal_offset=goal_offset,
        budget=budget,
        frame_gap=float(np.abs(shown - recorded).mean()),
        unit=task.unit,
        rules={"distance": task.distance_rule, "success": task.success_rule, "strict_success": task.strict_rule},
        seed=seed,
    )


def _attempt(
    lanes: RealLanes, starts: Starts, controller: Controller, task: GoalTask, budget: int, seed: int, bar: Any
) -> Attempt:
    lanes.restore(task, starts.states, starts.last_actions)
    controller.begin(lanes, seed=seed, goal=starts.goal_frames, context=(starts.context, starts.actions))
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
            began = time.perf_counter()
            actions = controller.choose(lanes)
            seconds += time.perf_counter() - began
            lanes.step(actions)
            bar.update()
    return Attempt(
        np.array(distances).T, np.any(success, axis=0), np.any(strict, axis=0), np.stack(pixels, axis=1), seconds
    )
