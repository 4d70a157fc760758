"""``vdworld benchmark planning``: planners, a clone and the floors in the real environment, from the same starts."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import DictConfig

from vdworld.agents import Policy, VideoPolicy
from vdworld.agents.saved_agents import load_agent
from vdworld.benchmarks.planning import compare_planners
from vdworld.benchmarks.results import show_and_keep
from vdworld.commands.arguments import keyword_arguments
from vdworld.commands.benchmarks.speed import measured_world
from vdworld.commands.plan import pick_objective
from vdworld.commands.user_errors import missing_keys
from vdworld.data import load_dataset
from vdworld.evaluation.evaluate import held_out_episodes

PROTOCOL = ("env", "num_episodes", "goal_offset", "budget", "max_steps", "seed")
PLANS = ("horizon", "num_candidates", "num_iterations", "replan_every", "num_sampling_steps", "max_batch")
CHOICE = ("planners", "planner_settings")


def planning(config: DictConfig) -> None:
    """Let all of them act, print the table, and write planning.json to `output`."""
    if absent := [name for name in ("world", "data") if config[name] is None]:
        raise ValueError(missing_keys("benchmark planning", absent))
    settings = keyword_arguments(compare_planners, {name: config[name] for name in (*PROTOCOL, *CHOICE, *PLANS)})
    discount = keyword_arguments(pick_objective, {"discount": config.discount})
    world, dataset = measured_world(config), load_dataset(config.data)
    objective = pick_objective(None, config.env, dataset, world, **discount)
    others = _policies(config.policy, world.device)
    result = compare_planners(world, held_out_episodes(dataset)[0], objective, others=others, **settings)
    show_and_keep(result, config.output, "planning")


def _policies(named: Any, device: torch.device) -> dict[str, Policy | VideoPolicy]:
    """Load one policy, or several by name."""
    if named is None:
        return {}
    folders = named if isinstance(named, DictConfig) else {"policy": named}
    return {str(name): load_agent(str(folder), device=device) for name, folder in folders.items()}
