"""How agents play in the real environment: which environment, how many episodes, and when they stop."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from vdworld.envs.tasks import GoalTask
from vdworld.seeds import as_seed
from vdworld.setting_types import check_types
from vdworld.spec import EnvironmentSpec

EnvironmentLike = EnvironmentSpec | str | Callable[[], gym.Env]
"""A real environment: its specification, its Gymnasium id, or a function that builds it."""


@dataclass(frozen=True)
class PlayProtocol:
    """How agents play in the real environment.

    Args:
        env: The real environment; None rebuilds the recorded one.
        task: Restores states and decides success in goal-reaching; None looks up the task of the environment.
        num_episodes: Episodes that each agent plays.
        goal_offset: Number of recorded steps from a start to its goal.
        budget: Steps that an agent has to reach a goal.
        max_steps: Steps after which an episode is cut off, if returns are measured instead of goals.
        seed: Seeds starts, episodes, agents and confidence intervals. ``evaluate`` seeds its clips and dreams with it
            too.
        trust_environment: Whether the recorded environment may import any package; see ``vdworld.envs.make_real``.
        progress: Whether to show progress bars.

    Raises:
        ValueError: A count is less than 1.
    """

    env: EnvironmentLike | None = None
    task: GoalTask | None = None
    num_episodes: int = 50
    goal_offset: int = 25
    budget: int = 50
    max_steps: int = 1_000
    seed: int = 0
    trust_environment: bool = False
    progress: bool = True

    def __post_init__(self) -> None:
        check_types(self)
        object.__setattr__(self, "seed", as_seed(self.seed))
        for name in ("num_episodes", "goal_offset", "budget", "max_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")

    def replace(self, **settings: Any) -> PlayProtocol:
        """Return a copy with some fields replaced.

        Raises:
            TypeError: A name is not a field.
            ValueError: A count is less than 1.
        """
        fields = [field.name for field in dataclasses.fields(self)]
        if unknown := [name for name in settings if name not in fields]:
            raise TypeError(f"Settings of a play protocol must be among {', '.join(fields)}, got {', '.join(unknown)}.")
        return dataclasses.replace(self, **settings)
