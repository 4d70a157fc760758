"""``vdworld plan``: let a planner act in the real environment, and compare it with random actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig

from vdworld.agents import Agent, Objective, Planner, Policy, Predicts, as_agent
from vdworld.agents.objectives import default_objective
from vdworld.agents.saved_agents import load_agent
from vdworld.commands.arguments import instantiate, keyword_arguments
from vdworld.commands.world_loading import load_world
from vdworld.data import Dataset, load_dataset
from vdworld.evaluation import PlayProtocol, evaluate, play
from vdworld.evaluation.evaluate import held_out_episodes
from vdworld.evaluation.report.tables import control_table
from vdworld.types import PerLane
from vdworld.world import WorldModel, WorldState


def run(config: DictConfig) -> None:
    """Plan, act, and print the scores."""
    world = load_world(config)
    dataset = load_dataset(config.data)
    policy = None if config.policy is None else load_agent(str(config.policy), device=world.device, world=world)
    objective = pick_objective(config.get("objective"), config.env, dataset, world, **_critic(policy))
    names = ("replan_every", "num_sampling_steps", "max_batch", "seed", "num_particles", "risk", "uncertainty_penalty")
    settings = keyword_arguments(Planner, {name: config[name] for name in names})
    method = instantiate(config.planner, **({} if policy is None else {"policy": as_agent(policy, world.cameras)}))
    planner = Planner(world, method, objective, **settings)
    agents = {"planner": planner}
    names = ("env", "seed", "num_episodes", "goal_offset", "budget", "max_steps", "trust_environment")
    protocol = PlayProtocol(**keyword_arguments(PlayProtocol, {name: config[name] for name in names}))
    if config.output is not None:
        print(evaluate(world, dataset, agents=agents, output=config.output, protocol=protocol))
    else:
        episodes, _ = held_out_episodes(dataset)
        print(control_table(play(world, episodes, agents, protocol)).text())
    cost = f"{planner.num_evaluations:,} network evaluations and {planner.seconds:.1f} seconds"
    count = "1 plan" if planner.num_plans == 1 else f"{planner.num_plans} plans"
    print(f"\n{count} for all episodes at once took {cost}.")


def _critic(policy: Agent | Predicts | None) -> dict[str, Any]:
    """Return discount and value of a trained critic, which estimates a return beyond the plan; else nothing."""
    if not isinstance(policy, Policy) or "discount" not in policy.training_info:
        return {}
    return {"discount": policy.training_info["discount"], "value": policy.value}


def pick_objective(
    node: DictConfig | None,
    env: str | None,
    dataset: Dataset,
    world: WorldModel,
    *,
    discount: float = 1.0,
    value: Callable[[WorldState], PerLane] | None = None,
) -> Objective:
    """Return an objective: the node's, or goal images where the environment has a goal task, or the return.

    Args:
        node: The objective's class and arguments; None leaves the choice to the environment.
        env: Id of the real environment; None stands for the one that was recorded.
        dataset: The recording, which knows its environment.
        world: The world in which plans are imagined.
        discount: Discount of a return per step, unless the node sets one.
        value: Estimates the return beyond the plan.
    """
    if node is not None:
        background = None if world.starts is None else world.background()
        return instantiate(node, world=world, background=background, discount=discount, value=value)
    return default_objective(world, dataset, env=env, discount=discount, value=value)
