"""Several real environments as one vector environment with the spaces of ``DreamVectorEnv``."""

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

    Whatever learns in dreams, such as ``ActorCritic.learn``, learns in them unchanged.

    Args:
        env: A specification, a Gymnasium id, or a function that builds one environment; see ``make_real``.
        num_envs: The number of lanes.
        readings: Names of numbers to observe beside the frames, such as ``world.readings``.
        autoreset_mode: When a lane is reset after its episode ended.
        overrides: Fields of ``EnvironmentSpec`` to set or change, such as ``image_size=world.image_size``.

    Raises:
        gymnasium.error.Error: No environment has this id.
        ValueError: `num_envs` is below 1, or the environment lacks pictures or a reading.
    """
    if num_envs < 1:
        raise ValueError(f"`num_envs` must be at least 1, got {num_envs}.")
    names = tuple(readings)

    def make() -> gym.Env:
        return FrameObservation(make_real(env, **overrides), names)

    return SyncVectorEnv([make] * num_envs, autoreset_mode=autoreset_mode)
