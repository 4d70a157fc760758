"""Check agents before anything long begins: what they are, what they observe, and what they return."""

from __future__ import annotations

from collections.abc import Mapping

import gymnasium as gym
import torch

from vdworld.agents import Agent, Planner, Policy, Predicts, VideoPolicy, as_agent
from vdworld.evaluation.lane_actions import lane_actions
from vdworld.evaluation.world_protocol import World
from vdworld.spaces import flat_action_size


def check_agents(agents: Mapping[str, Agent | Predicts], world: World, *, num_lanes: int, goals: bool) -> None:
    """Check that agents can act where a world was trained: in its actions, on its frames.

    Agents of other libraries and of the user's own act once, on black frames, after a reset.

    Args:
        agents: Agents by name.
        world: Its cameras, image size and action space are those of the environment.
        num_lanes: Episodes that an agent decides for at once.
        goals: Whether the environment sets goals.

    Raises:
        TypeError: An object is no agent.
        ValueError: An agent has other actions or observations, or returns no action per lane.
    """
    for name, agent in agents.items():
        player = as_agent(agent, world.cameras)
        space = getattr(agent, "action_space", None)
        if isinstance(space, gym.Space) and space != world.action_space:
            raise ValueError(f"{name!r} acts in {space}, but the environment in {world.action_space}.")
        if isinstance(player, Policy):
            _check_pictures(name, player, world)
        elif not isinstance(player, Planner | VideoPolicy):  # these know their world, and take long to decide
            _try(name, player, world, num_lanes, goals=goals)


def _check_pictures(name: str, policy: Policy, world: World) -> None:
    own = (policy.observer.num_channels, *policy.observer.image_size)
    theirs = (3 * len(world.cameras), *world.image_size)
    if own != theirs:
        raise ValueError(
            f"{name!r} observes frames [channels, h, w] of {list(own)}, but the world's are {list(theirs)}."
        )


def _try(name: str, agent: Agent, world: World, num_lanes: int, *, goals: bool) -> None:
    frames = torch.full((num_lanes, 3 * len(world.cameras), *world.image_size), -1.0)
    past = torch.zeros(num_lanes, 0, flat_action_size(world.action_space))
    agent.reset(mask=None, seed=0, goal=frames if goals else None, context=(frames[:, None], past))
    lane_actions(world.action_space, agent.act(frames), num_lanes, name)
