"""Real environments side by side, looking like dreams of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from vdworld.envs.real.real_env import make_real
from vdworld.envs.real.wrappers import FrameObservation
from vdworld.spec import EnvironmentSpec


def make_real_vec(
    env: EnvironmentSpec | str | Callable[[], gym.Env],
    num_envs: int,
    *,
    readings: Iterable[str] = (),
    autoreset_mode: AutoresetMode = AutoresetMode.SAME_STEP,
    **overrides: Any,
) -> SyncVectorEnv:
    """Build real environments in this process, with the spaces of ``DreamVectorEnv``.

    So what learns in dreams learns in these as well, with ``ActorCritic.learn`` or anything else.

    Args:
        env: Description, Gymnasium id, or a function that builds one; see ``make_real``.
        num_envs: The number of lanes.
        readings: Names of numbers to observe beside the frames, such as ``world.readings``.
        autoreset_mode: How ended lanes begin anew.
        overrides: Fields of ``EnvironmentSpec`` to set or change, such as ``image_size=world.image_size``.

    Raises:
        gymnasium.error.Error: No environment has this id.
        ValueError: `num_envs` is below 1, or the environment shows no pictures or no such readings.
    """
    if num_envs < 1:
        raise ValueError(f"`num_envs` must be at least 1, got {num_envs}.")
    chosen = tuple(readings)

    def make() -> gym.Env:
        return FrameObservation(make_real(env, **overrides), chosen)

    return SyncVectorEnv([make] * num_envs, autoreset_mode=autoreset_mode)
