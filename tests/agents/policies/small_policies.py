"""Small policies with random weights, and what they observe."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

from vdworld.agents import Policy
from vdworld.spaces import ActionCodec, frames_to_float

PICTURE = spaces.Box(0, 255, (16, 20, 3), np.uint8)
ACTIONS = spaces.Dict({"push": spaces.Box(-2.0, 2.0, (2,), np.float32), "tool": spaces.Discrete(3, start=1)})
SEVERAL = spaces.Dict({"top": PICTURE, "front": PICTURE, "place": spaces.Box(-np.inf, np.inf, (2,), np.float32)})


def policy(space: gym.Space = PICTURE, action_space: gym.Space = ACTIONS, **settings: Any) -> Policy:
    """A policy whose recurrent state matters: its weights are not small."""
    agent = Policy(space, ActionCodec(action_space), **{"hidden_dim": 16, **settings})
    torch.nn.init.normal_(agent.network.actor.weight, std=2.0, generator=torch.Generator().manual_seed(0))
    agent.network.requires_grad_(False)
    return agent


def pixels(*leading, seed=0):
    return torch.randint(
        0, 256, (*leading, 16, 20, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def flat(agent, actions):
    return agent.codec.flatten(actions)


def frames(*leading, seed=0):
    return frames_to_float(pixels(*leading, seed=seed))
