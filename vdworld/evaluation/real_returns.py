"""What agents earn in a real environment, whether or not it has goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vdworld.agents import Agent, Predicts
from vdworld.envs.real.real_env import make_real
from vdworld.evaluation.controllers import AgentController, Controller, with_baselines
from vdworld.evaluation.real_env import EnvironmentLike
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.evaluation.returns import Returns, play_episodes


def real_returns(
    env: EnvironmentLike,
    agents: Mapping[str, Agent | Predicts],
    *,
    cameras: Sequence[str],
    num_episodes: int = 30,
    max_steps: int = 1_000,
    baselines: bool = True,
    seed: int = 0,
    progress: bool = True,
    **overrides: Any,
) -> Returns:
    """Let agents play the same episodes of a real environment, all of them in lock-step.

    Args:
        env: Description, Gymnasium id, or a function that builds one.
        agents: Name to agent.
        cameras: The cameras that agents see, in the order of a frame's channels.
        num_episodes: Episodes per agent.
        max_steps: Steps after which an episode is cut off.
        baselines: Whether random actions and doing nothing play too.
        seed: Of the episodes and of every agent.
        progress: Whether to show progress bars.
        overrides: Fields of ``EnvironmentSpec`` to set or change, such as ``image_size``.
    """
    controllers: dict[str, Controller] = {name: AgentController(agent) for name, agent in agents.items()}
    controllers = with_baselines(agents) if baselines else controllers
    with RealLanes([make_real(env, **overrides) for _ in range(num_episodes)], cameras) as lanes:
        return play_episodes(lanes, controllers, max_steps=max_steps, seed=seed, progress=progress)
