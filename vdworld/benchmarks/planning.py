"""Planners with equal budgets, other agents and baselines in the real environment, from the same starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vdworld.agents import Agent, Objective, Planner, Predicts
from vdworld.agents.objectives import default_objective
from vdworld.agents.saved_agents import load_agent
from vdworld.benchmarks.equal_planners import PlanBudget, equal_methods
from vdworld.benchmarks.measured_world import describe_world, measured_world
from vdworld.benchmarks.planning_result import PlannerComparison
from vdworld.data import Dataset, load_dataset
from vdworld.evaluation.evaluate import held_out_episodes
from vdworld.evaluation.protocol import PlayProtocol
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.real_play import play
from vdworld.world import WorldModel


def run(
    *,
    world: str,
    data: str,
    planners: Sequence[str] | None = None,
    planner_settings: Mapping[str, Any] | None = None,
    horizon: int = 4,
    num_candidates: int = 32,
    num_iterations: int = 2,
    replan_every: int | None = None,
    num_sampling_steps: int | None = 1,
    max_batch: int = 256,
    discount: float = 1.0,
    policy: str | Mapping[str, str] | None = None,
    env: str | None = None,
    num_episodes: int = 50,
    goal_offset: int = 25,
    budget: int = 50,
    max_steps: int = 1_000,
    trust_environment: bool = False,
    execution: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
) -> PlannerComparison:
    """Compare planners, and policies if there are any, with the default objective of the environment.

    Args:
        world: The world's folder.
        data: A dataset folder; its held-out episodes are used, or all of them if none is held out.
        horizon, num_candidates, num_iterations: See ``PlanBudget``.
        discount: Discount of the return per step, in environments without goals.
        policy: A policy as ``load_agent`` finds it, or names with policies.
        planners, planner_settings, replan_every, num_sampling_steps, max_batch: See ``compare_planners``.
        env, num_episodes, goal_offset, budget, max_steps, trust_environment, seed: See ``PlayProtocol``.
        execution: Arguments of ``vdworld.world.Execution``; None takes its defaults.
        device: A device's name; ``"auto"`` is the GPU if there is one, else the CPU.
    """
    plan_budget = PlanBudget(horizon, num_candidates, num_iterations)
    lengths: dict[str, Any] = {"goal_offset": goal_offset, "budget": budget, "max_steps": max_steps}
    lengths["trust_environment"] = trust_environment
    protocol = PlayProtocol(env=env, num_episodes=num_episodes, seed=seed, **lengths)
    loaded, dataset = measured_world(world, device=device, execution=execution), load_dataset(data)
    folders = {"policy": policy} if isinstance(policy, str) else policy or {}
    others = {name: load_agent(folder, device=loaded.device, world=loaded) for name, folder in folders.items()}
    objective = default_objective(loaded, dataset, env=env, discount=discount)
    planning: dict[str, Any] = {"planners": planners, "planner_settings": planner_settings, "others": others}
    planning |= {"replan_every": replan_every, "num_sampling_steps": num_sampling_steps, "max_batch": max_batch}
    held_out, _ = held_out_episodes(dataset)
    return compare_planners(loaded, held_out, objective, plan_budget=plan_budget, protocol=protocol, **planning)


def compare_planners(
    world: WorldModel,
    dataset: Dataset,
    objective: Objective,
    *,
    planners: Sequence[str] | None = None,
    planner_settings: Mapping[str, Mapping[str, Any]] | None = None,
    others: Mapping[str, Agent | Predicts] | None = None,
    plan_budget: PlanBudget | None = None,
    replan_every: int | None = None,
    num_sampling_steps: int | None = 1,
    max_batch: int = 256,
    protocol: PlayProtocol | None = None,
) -> PlannerComparison:
    """Let planners act from the same starts, with the same number of imagined plans for each of their decisions.

    Args:
        world: The world to plan in.
        dataset: Held-out episodes, which provide goals and starts.
        objective: Scores plans, the same for all planners.
        planners: Names among ``vdworld.benchmarks.equal_planners.NAMES``; None takes all that fit the actions.
        planner_settings: A planner's name to further arguments of its class.
        others: Further agents by name, such as a clone.
        plan_budget: What each planner may imagine for one plan; None takes the default budget.
        replan_every: Steps of a plan that are executed before the next one; None is half the horizon.
        num_sampling_steps: Network evaluations per imagined frame; None takes the world's number.
        max_batch: Maximum number of dreams at once.
        protocol: The environment and how agents play in it; None takes the default protocol.

    Raises:
        ValueError: A planner that is unknown or does not fit the actions, a number out of range, another agent with
            the name of a planner, or an error of ``play``.
    """
    plans, protocol = plan_budget or PlanBudget(), protocol or PlayProtocol()
    methods = equal_methods(planners, world.action_codec, plans, planner_settings or {})
    if taken := sorted({*methods} & {*(others or {})}):
        raise ValueError(f"`others` must not use the names of planners, got {', '.join(taken)}. Rename that agent.")
    settings: dict[str, Any] = {"replan_every": replan_every, "num_sampling_steps": num_sampling_steps}
    settings |= {"max_batch": max_batch, "seed": protocol.seed}
    agents = {name: Planner(world, method, objective, **settings) for name, method in methods.items()}
    control = play(world, dataset, {**agents, **(others or {})}, protocol)
    return PlannerComparison(
        control,
        {name: planner.num_evaluations for name, planner in agents.items()},
        {name: _settings(planner) for name, planner in agents.items()},
        plans,
        max(plans.horizon // 2, 1) if replan_every is None else replan_every,
        {"world": describe_world(world), "objective": type(objective).__name__, **provenance(world.device)},
    )


def _settings(planner: Planner) -> dict[str, Any]:
    """Return a method's class and its numbers."""
    numbers = {name: value for name, value in vars(planner.method).items() if isinstance(value, int | float)}
    return {"method": type(planner.method).__name__, **numbers}
