"""Set up the real environment that fits a world, and let agents play in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gymnasium as gym

from vdworld.agents import Agent, Predicts
from vdworld.data import Dataset
from vdworld.envs.real.real_env import RealEnv, make_real
from vdworld.envs.tasks import GoalTask, find_task
from vdworld.evaluation.controllers import with_baselines
from vdworld.evaluation.goal_reaching import GoalReaching, reach_goals
from vdworld.evaluation.goal_starts import choose_starts
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.evaluation.returns import Returns, play_episodes
from vdworld.evaluation.world_protocol import World
from vdworld.spec import EnvironmentSpec

EnvironmentLike = EnvironmentSpec | str | Callable[[], gym.Env]
"""What stands for a real environment: its description, its Gymnasium id, or a function that builds it."""


def play(
    world: World,
    dataset: Dataset,
    agents: Mapping[str, Agent | Predicts],
    *,
    env: EnvironmentLike | None = None,
    task: GoalTask | None = None,
    num_episodes: int = 50,
    goal_offset: int = 25,
    budget: int = 50,
    max_steps: int = 1_000,
    seed: int = 0,
    progress: bool = True,
) -> GoalReaching | Returns:
    """Let agents, random actions and doing nothing play in the real environment, all episodes in lock-step.

    Goal-reaching where a task is known, returns elsewhere.

    Args:
        world: Says what frames look like.
        dataset: Held-out episodes; where goals and starts come from.
        agents: Name to agent.
        env: The real environment; None rebuilds the one that was recorded.
        task: Restores and judges states; None looks for the environment's own.
        num_episodes: Episodes per agent.
        goal_offset: How many recorded steps ahead a goal lies.
        budget: Steps per goal.
        max_steps: Steps after which an episode is cut off where returns are measured.
        seed: Of starts, agents and intervals.
        progress: Whether to show progress bars.

    Raises:
        ValueError: No environment is known, it has another action space or other cameras than the world, or the
            dataset holds no start.
        RestoreError: The environment did not take a recorded state.
    """
    description = describe(env, dataset)
    first = make_real(description, image_size=world.image_size)
    if first.action_space != world.action_space:
        raise ValueError(
            f"`env` must have the world's action space, {world.action_space}, got {first.action_space}. "
            "Pass the environment that the world was trained on."
        )
    environment = environment_id(first)
    task = task or find_task(environment)
    if task is None:
        with RealLanes([first, *_more(description, world, num_episodes - 1)], world.cameras) as lanes:
            settings = {"max_steps": max_steps, "seed": seed, "progress": progress, "environment": environment}
            return play_episodes(lanes, with_baselines(agents), **settings)
    first.close()
    controllers = with_baselines(agents, task)
    starts = choose_starts(world, dataset, task, num_starts=num_episodes, goal_offset=goal_offset, seed=seed)
    limit = {} if callable(description) else {"max_episode_steps": budget + 1}  # attempts end with their budget
    with RealLanes(_more(description, world, len(starts), **limit), world.cameras) as lanes:
        return reach_goals(
            lanes, starts, controllers, task, goal_offset=goal_offset, budget=budget, seed=seed, progress=progress
        )


def describe(env: EnvironmentLike | None, dataset: Dataset) -> EnvironmentLike:
    """Return what to build: the environment as it was recorded, if `env` is None or its id, else `env`.

    Raises:
        ValueError: `env` is None, and the dataset does not say where it comes from.
    """
    recorded = dataset.spec
    if env is None and recorded is None:
        raise ValueError(
            f"`env` must name the real environment, since {dataset.path} does not; got None. Pass a Gymnasium id or a "
            "function that builds the environment."
        )
    if recorded is not None and (env is None or (isinstance(env, str) and env.split(":")[-1] == recorded.id)):
        return recorded
    assert env is not None
    return env


def environment_id(env: RealEnv) -> str:
    """Return the Gymnasium id, or the description's if the environment was not made by id."""
    registered = env.unwrapped.spec
    return env.environment_spec.id if registered is None else registered.id


def _more(description: EnvironmentLike, world: World, count: int, **overrides: object) -> list[RealEnv]:
    return [make_real(description, image_size=world.image_size, **overrides) for _ in range(count)]
