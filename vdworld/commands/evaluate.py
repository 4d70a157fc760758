"""``vdworld evaluate``: compare imagined with real frames on held-out episodes, and write a report."""

from __future__ import annotations

from dataclasses import fields

from omegaconf import DictConfig

from vdworld.agents.saved_agents import load_agent
from vdworld.commands.arguments import keyword_arguments
from vdworld.commands.world_loading import load_world
from vdworld.data import load_dataset
from vdworld.evaluation import PlayProtocol, evaluate


def run(config: DictConfig) -> None:
    """Evaluate, and print the tables."""
    world = load_world(config)
    dataset = load_dataset(config.data)
    names = [field.name for field in fields(PlayProtocol) if field.name in config]
    protocol = PlayProtocol(**keyword_arguments(PlayProtocol, {name: config[name] for name in names}))
    not_evaluate = (*names, "world", "data", "device", "sampling", "execution", "policy")
    values = {name: value for name, value in config.items() if name not in not_evaluate}
    agents = (
        None if config.policy is None else {"policy": load_agent(str(config.policy), device=world.device, world=world)}
    )
    print(evaluate(world, dataset, agents=agents, protocol=protocol, **keyword_arguments(evaluate, values)))
