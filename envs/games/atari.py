"""Atari games with the preprocessing of the Atari 100k benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from vdworld.data.resize import resize_area
from vdworld.envs.real.registry import find_environment

SCREEN = (210, 160)  # height and width of most games


def make_atari(
    game: str,
    terminal_on_life_loss: bool = False,
    clip_rewards: bool = False,
    frame_skip: int = 4,
    noop_max: int = 30,
    image_size: int = 64,
    crop: Sequence[int] | None = None,
    fire_reset: bool = False,
    sticky_actions: float = 0.0,
    **kwargs: Any,
) -> gym.Env:
    """Build a game with Gymnasium's preprocessing (Machado et al. 2018), in colour: ``vdworld/Atari-v0``.

    Every step is `frame_skip` frames, of which the last two are max-pooled. An episode begins with up to `noop_max`
    no-op steps. With `terminal_on_life_loss`, the next episode starts a new game.

    Args:
        game: The name of the game, such as ``"Breakout"``.
        terminal_on_life_loss: Whether the loss of a life ends the episode; for learning, not for evaluation.
        clip_rewards: Whether rewards are clipped to -1, 0 or 1; for learning, not for evaluation.
        frame_skip: Frames per step.
        noop_max: Largest number of no-op steps at the beginning.
        image_size: Side of the frames in pixels.
        crop: Top, left, height and width of the part of the game's 210 x 160 pixels to show, such as the court without
            the score, so that small objects are visible in small frames; None shows the whole screen.
        fire_reset: Whether episodes begin with the action FIRE, for games that wait for it; False in Atari 100k.
        sticky_actions: Probability that the last action is repeated; 0 in Atari 100k.
        kwargs: Keyword arguments of the game, such as ``mode``.

    Raises:
        gymnasium.error.NamespaceNotFound: The package ``ale_py`` is not installed.
        gymnasium.error.NameNotFound: There is no such game.
        ValueError: `crop` is not within the screen, or the game lacks the action FIRE for `fire_reset`.
    """
    registered = find_environment(f"ALE/{game}-v5")
    env = gym.make(registered, frameskip=1, repeat_action_probability=sticky_actions, **kwargs)
    env = gym.wrappers.AtariPreprocessing(
        env,
        noop_max=noop_max,
        frame_skip=frame_skip,
        screen_size=image_size if crop is None else (SCREEN[1], SCREEN[0]),
        terminal_on_life_loss=terminal_on_life_loss,
        grayscale_obs=False,
    )
    if fire_reset:
        env = _FireReset(env)
    if crop is not None:
        env = _cropped(env, crop, image_size)
    return gym.wrappers.TransformReward(env, _sign) if clip_rewards else env


class _FireReset(gym.Wrapper):
    """Begin every episode with the action FIRE."""

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        meanings = env.unwrapped.get_action_meanings()  # pyright: ignore[reportAttributeAccessIssue]
        if "FIRE" not in meanings:
            raise ValueError(f"`fire_reset` needs a game with the action FIRE, got one with {', '.join(meanings)}.")
        self.fire = meanings.index("FIRE")

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self.env.reset(**kwargs)
        observation, _, _, _, info = self.env.step(self.fire)
        return observation, info


def _cropped(env: gym.Env, crop: Sequence[int], image_size: int) -> gym.Env:
    outside = len(crop) != 4 or any(
        at < 0 or size < 1 or at + size > end for at, size, end in zip(crop[:2], crop[2:], SCREEN, strict=True)
    )
    if outside:
        raise ValueError(f"`crop` must be top, left, height and width within {SCREEN[0]} x {SCREEN[1]}, got {crop}.")
    top, left, height, width = crop

    def cut(frame: np.ndarray) -> np.ndarray:
        planes = frame[top : top + height, left : left + width].transpose(2, 0, 1)
        return resize_area(planes, (image_size, image_size)).transpose(1, 2, 0)

    return gym.wrappers.TransformObservation(env, cut, spaces.Box(0, 255, (image_size, image_size, 3), np.uint8))


def _sign(reward: Any) -> float:
    return float(np.sign(reward))
