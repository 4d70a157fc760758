"""Let agents play in the real environment that a world was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vdworld.agents import Agent, Predicts
from vdworld.data import Dataset
from vdworld.envs.real.real_env import RealEnv, make_real
from vdworld.envs.real.trust import imports_of
from vdworld.envs.tasks import GoalTask, find_task
from vdworld.evaluation.agent_checks import check_agents
from vdworld.evaluation.controllers import with_baselines
from vdworld.evaluation.goal_reaching import GoalReaching, reach_goals
from vdworld.evaluation.goal_starts import choose_starts
from vdworld.evaluation.protocol import EnvironmentLike, PlayProtocol
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.evaluation.returns import Returns, play_episodes
from vdworld.evaluation.world_protocol import World


def play(
    world: World,
    dataset: Dataset,
    agents: Mapping[str, Agent | Predicts],
    protocol: PlayProtocol | None = None,
    **settings: Any,
) -> GoalReaching | Returns:
    """Let agents, random actions and no action play in the real environment, all episodes in lockstep.

    Environments with a known task are scored by goals reached, all others by return.

    Args:
        world: Its context length, cameras and image size decide what agents see.
        dataset: Held-out episodes, from which starts and goals are drawn.
        agents: Agents by name.
        protocol: The environment and how agents play in it.
        settings: Fields of ``PlayProtocol``; they replace those of `protocol`.

    Raises:
        TypeError: A setting is not a field of ``PlayProtocol``.
        ValueError: No environment is known, its action space or its cameras differ from the world's, the dataset
            holds no start, or an agent has other actions or frames or needs goals that the environment does not set.
        RestoreError: The environment did not take a recorded state.
    """
    protocol = (protocol or PlayProtocol()).replace(**settings)
    env = resolve_env(protocol.env, dataset, protocol.trust_environment)
    check_players(world, agents, env, protocol)
    first = make_real(env, image_size=world.image_size)
    if first.action_space != world.action_space:
        raise ValueError(
            f"`env` must have the world's action space, {world.action_space}, got {first.action_space}. "
            "Pass the environment that the world was trained on."
        )
    environment = environment_id(first)
    task = protocol.task or find_task(environment)
    if task is not None:
        first.close()
        return _play_goals(world, dataset, agents, protocol, env, task)
    with RealLanes([first, *_build(env, world, protocol.num_episodes - 1)], world.cameras) as lanes:
        return play_episodes(
            lanes,
            with_baselines(agents),
            max_steps=protocol.max_steps,
            seed=protocol.seed,
            progress=protocol.progress,
            environment=environment,
        )


def resolve_env(env: EnvironmentLike | None, dataset: Dataset, trust_environment: bool = False) -> EnvironmentLike:
    """Return the specification of the recorded environment if `env` is None or names it, else `env`.

    An environment that `env` names is trusted; packages that only the dataset names are left out.

    Raises:
        ValueError: `env` is None, and the dataset does not name its environment.
    """
    recorded = dataset.spec
    if env is None and recorded is None:
        raise ValueError(
            f"`env` must name the real environment because {dataset.path} does not, got None. Pass a Gymnasium id or a "
            "function that builds the environment."
        )
    if recorded is not None and (env is None or (isinstance(env, str) and _plain(env) == _plain(recorded.id))):
        recorded = replace(recorded, trusted=recorded.trusted or trust_environment)
        named = None if env is None or recorded.trusted or not imports_of(recorded) else str(env)
        return recorded if named is None else replace(recorded, id=named, packages=(), trusted=True)
    assert env is not None
    return env


def _plain(env_id: str) -> str:
    return env_id.rpartition(":")[-1]


def check_players(
    world: World, agents: Mapping[str, Agent | Predicts], env: EnvironmentLike, protocol: PlayProtocol
) -> None:
    """Check that agents can act in the environment, and that none needs goals if it sets none.

    Raises:
        TypeError: An object is no agent.
        ValueError: An agent does not fit; the message says what to choose instead.
    """
    check_goals(agents, env, protocol.task)
    goals = _may_set_goals(env, protocol.task)
    check_agents(agents, world, num_lanes=protocol.num_episodes, goals=goals)


def check_goals(agents: Mapping[str, Agent | Predicts], env: EnvironmentLike, task: GoalTask | None = None) -> None:
    """Check that no agent needs goals in an environment that sets none.

    Raises:
        ValueError: One does; the message says what to choose instead.
    """
    if callable(env) or _may_set_goals(env, task):
        return
    name = _plain(env if isinstance(env, str) else env.id)
    for agent in (agent for agent, player in agents.items() if getattr(player, "needs_goal", False)):
        raise ValueError(
            f"{agent!r} needs goal images, and {name} has no goal task that sets any. Plan for the return "
            "(objective=return), use a policy without goals, or pass `task=`."
        )


def _may_set_goals(env: EnvironmentLike, task: GoalTask | None) -> bool:
    """Return whether the environment has a goal task; True if only its function knows."""
    return callable(env) or task is not None or find_task(_plain(env if isinstance(env, str) else env.id)) is not None


def environment_id(env: RealEnv) -> str:
    """Return the Gymnasium id, or the id in the specification if the environment was not made by id."""
    registered = env.unwrapped.spec
    return env.environment_spec.id if registered is None else registered.id


def _play_goals(
    world: World,
    dataset: Dataset,
    agents: Mapping[str, Agent | Predicts],
    protocol: PlayProtocol,
    env: EnvironmentLike,
    task: GoalTask,
) -> GoalReaching:
    controllers = with_baselines(agents, task)
    starts = choose_starts(
        world,
        dataset,
        task,
        num_starts=protocol.num_episodes,
        goal_offset=protocol.goal_offset,
        seed=protocol.seed,
    )
    limit = {} if callable(env) else {"max_episode_steps": protocol.budget + 1}  # the budget ends attempts, not the env
    with RealLanes(_build(env, world, len(starts), **limit), world.cameras) as lanes:
        return reach_goals(
            lanes,
            starts,
            controllers,
            task,
            budget=protocol.budget,
            seed=protocol.seed,
            progress=protocol.progress,
        )


def _build(env: EnvironmentLike, world: World, count: int, **overrides: Any) -> list[RealEnv]:
    return [make_real(env, image_size=world.image_size, **overrides) for _ in range(count)]
