"""``vdworld plan``: let a planner act in the real environment, and score it beside random actions."""

from __future__ import annotations

from omegaconf import DictConfig

from vdworld.agents import GoalImage, Objective, Planner, Return
from vdworld.commands.arguments import checked, instantiate
from vdworld.commands.worlds import load_world
from vdworld.data import Dataset, load_dataset
from vdworld.envs.tasks import find_task
from vdworld.evaluation import GoalReaching, evaluate, play
from vdworld.evaluation.tables import control_table, returns_table
from vdworld.world import WorldModel


def run(config: DictConfig) -> None:
    """Plan, act, and print what was achieved."""
    world = load_world(config)
    dataset = load_dataset(config.data)
    objective = pick_objective(config.get("objective"), config.env, dataset, world)
    names = ("replan_every", "num_sampling_steps", "max_batch", "seed", "num_particles", "risk", "uncertainty_penalty")
    settings = checked(Planner, {name: config[name] for name in names})
    planner = Planner(world, instantiate(config.planner), objective, **settings)
    agents = {"planner": planner}
    names = ("env", "seed", "num_episodes", "goal_offset", "budget", "max_steps")
    protocol = checked(play, {name: config[name] for name in names})
    if config.output is not None:
        print(evaluate(world, dataset, agents=agents, output=config.output, **protocol))
    else:
        held_out = dataset.split("test")
        result = play(world, held_out if len(held_out) else dataset, agents, **protocol)
        print((control_table(result) if isinstance(result, GoalReaching) else returns_table(result)).text())
    spent = f"{planner.num_evaluations:,} network evaluations and {planner.seconds:.1f} seconds"
    count = "1 plan" if planner.num_plans == 1 else f"{planner.num_plans} plans"
    print(f"\n{count} for all episodes at once took {spent}.")


def pick_objective(
    node: DictConfig | None, env: str | None, dataset: Dataset, world: WorldModel, *, discount: float = 1.0
) -> Objective:
    """Return the objective that was named; without one, goal images where goals are known, else the return.

    Args:
        node: The objective's class and arguments; None where it was not named.
        env: Id of the real environment; None for the one that was recorded.
        dataset: Says which that is.
        world: Where plans are dreamt.
        discount: Of a return that was not named, per step.
    """
    if node is not None:
        return instantiate(node, world=world, background=None if world.starts is None else world.background())
    name = env if env is not None else "" if dataset.spec is None else dataset.spec.id
    return Return(discount) if find_task(name.split(":")[-1]) is None else GoalImage(background=world.background())
