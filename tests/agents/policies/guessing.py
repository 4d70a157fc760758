"""Dreams in which to learn, and the settings that are enough for that."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from tests.envs.guessing_world import GuessingWorld
from vdworld.agents import ActorCritic
from vdworld.envs import DreamVectorEnv

DISCRETE, BOX = spaces.Discrete(2), spaces.Box(-1.0, 1.0, (2,), np.float32)
LANES, HORIZON = 8, 5
QUICK = {"objective": "reinforce", "horizon": HORIZON, "hidden_dim": 32, "learning_rate": 3e-3, "discount": 0.5}


def guessing(
    space: gym.Space = DISCRETE, output: str = "torch", mode: AutoresetMode = AutoresetMode.SAME_STEP
) -> DreamVectorEnv:
    """Dreams in which the action that earns names the colour seen before it: guessing earns a half."""
    settings = {"max_episode_steps": 12, "autoreset_mode": mode, "output": output}
    return DreamVectorEnv(GuessingWorld(space, size=16), LANES, **settings)


def learn(envs, num_updates, **settings):
    """Learn, and return the policy and the figures of each update."""
    updates, settings = [], QUICK | settings
    num_steps = num_updates * envs.num_envs * settings["horizon"]
    policy = ActorCritic.learn(
        envs, num_steps=num_steps, report=lambda step, figures: updates.append(figures), **settings
    )
    return policy, updates
