"""Atari games as the Atari 100k literature plays them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.envs.known import find_environment


def make_atari(
    game: str,
    terminal_on_life_loss: bool = False,
    clip_rewards: bool = False,
    frame_skip: int = 4,
    noop_max: int = 30,
    image_size: int = 64,
    sticky_actions: float = 0.0,
    **kwargs: Any,
) -> gym.Env:
    """Build a game with Gymnasium's preprocessing (Machado et al. 2018), in colour: ``vdworld/Atari-v0``.

    Every step is `frame_skip` frames, of which the last two are pooled, and an episode begins with up to `noop_max`
    steps of doing nothing. A life lost may end an episode; the next one then begins a new game.

    Args:
        game: Such as ``"Breakout"``.
        terminal_on_life_loss: Whether a life lost ends the episode; for learning, not for evaluation.
        clip_rewards: Whether rewards are -1, 0 or 1; likewise.
        frame_skip: Frames per step.
        noop_max: Most steps of doing nothing at the beginning.
        image_size: Side of the frames in pixels.
        sticky_actions: Probability that the last action is repeated; 0 in Atari 100k.
        kwargs: Of the game itself, such as ``mode``.

    Raises:
        gymnasium.error.NamespaceNotFound: The package ``ale_py`` is missing.
        gymnasium.error.NameNotFound: There is no such game.
    """
    registered = find_environment(f"ALE/{game}-v5")
    env = gym.make(registered, frameskip=1, repeat_action_probability=sticky_actions, **kwargs)
    env = gym.wrappers.AtariPreprocessing(
        env,
        noop_max=noop_max,
        frame_skip=frame_skip,
        screen_size=image_size,
        terminal_on_life_loss=terminal_on_life_loss,
        grayscale_obs=False,
    )
    return gym.wrappers.TransformReward(env, _sign) if clip_rewards else env


def _sign(reward: Any) -> float:
    return float(np.sign(reward))
