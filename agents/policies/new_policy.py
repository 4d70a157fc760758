"""The policy with which learning begins."""

from __future__ import annotations

import copy
from typing import Any

from gymnasium.vector import VectorEnv

from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.agents.policies.policy import Policy
from vdworld.spaces import ActionCodec


def new_policy(
    envs: VectorEnv,
    world: Any,
    settings: LearningSettings,
    prior: Policy | None,
    codec: ActionCodec | None,
    seed: int,
) -> Policy:
    """Return the policy to train, a copy of the prior if there is one."""
    observation_space, action_space = envs.single_observation_space, envs.single_action_space
    if prior is None:
        return Policy(
            observation_space,
            codec or getattr(world, "action_codec", None) or ActionCodec(action_space),
            cameras=getattr(world, "cameras", None),
            hidden_dim=settings.hidden_dim,
            recurrent=settings.recurrent,
            frame_stack=settings.frame_stack,
            seed=seed,
        )
    if prior.goals:
        raise ValueError(
            "`prior` must be trained without goals, which environments do not show: clone it with goal_offset=null."
        )
    for name, space in (("observation_space", observation_space), ("action_space", action_space)):
        if getattr(prior, name) != space:
            raise ValueError(f"`prior` must have the {name} of `envs`, {space}, got {getattr(prior, name)}.")
    return copy.deepcopy(prior)
