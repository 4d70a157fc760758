"""Stable-Baselines3: any Gymnasium vector environment as a ``VecEnv``."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from vdworld.envs.array_trees import map_leaves
from vdworld.envs.integrations.lane_infos import infos_by_lane
from vdworld.extras import require

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv
else:
    VecEnv = require("stable_baselines3.common.vec_env", "sb3").VecEnv

Indices = None | int | Iterable[int]
"""Which lanes: all (None), one, or several."""


class VecEnvAdapter(VecEnv):
    """A Stable-Baselines3 ``VecEnv`` around a Gymnasium vector environment: dreams, or a SyncVectorEnv of real ones.

    There is one info per lane. After an episode's end it is the info of the last step, with the last observation as
    ``"terminal_observation"``, and ``reset_infos`` holds the info of the reset that followed. ``"TimeLimit.truncated"``
    is True if the episode was truncated and not terminated. For episode statistics, wrap it in SB3's ``VecMonitor``.

    Actions for a Box are clipped to its bounds, which SB3's own rescaling can exceed by rounding.

    Args:
        envs: The vector environment, in autoreset mode SAME_STEP and with NumPy output.

    Raises:
        ValueError: `envs` is not a vector environment, or is in another autoreset mode.
    """

    def __init__(self, envs: VectorEnv) -> None:
        if not isinstance(envs, VectorEnv):
            raise ValueError(
                f"`envs` must be a gymnasium.vector.VectorEnv, got {envs}. "
                "Stable-Baselines3 accepts a single environment unchanged."
            )
        mode = envs.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ValueError(
                f"`envs` must be in autoreset mode SAME_STEP, got {mode}. "
                "Make it with autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP."
            )
        self.envs = envs
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)
        self.metadata = dict(envs.metadata)
        self.spec = envs.spec
        self._seed: int | None = None
        self._reset_option: dict[str, Any] | None = None
        self._actions: Any = None

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Seed the next reset: lane i gets ``seed + i``. None draws a random seed."""
        self._seed = int(np.random.default_rng().integers(2**31)) if seed is None else int(seed)
        return [self._seed + lane for lane in range(self.num_envs)]

    def set_options(self, options: list[dict] | dict | None = None) -> None:
        """Store ``options`` for the next reset, in the form that the vector environment's own ``reset`` takes.

        Raises:
            ValueError: `options` is a list of options per lane.
        """
        if isinstance(options, list):
            raise ValueError(f"`options` must be one dict for all lanes, as for `envs.reset`, got {options}.")
        self._reset_option = copy.deepcopy(options)

    def reset(self) -> Any:
        """Begin an episode in every lane, and return the observations."""
        observations, infos = self.envs.reset(seed=self._seed, options=self._reset_option)
        self._seed = self._reset_option = None
        self.reset_infos = infos_by_lane(infos, self.num_envs)
        return _own_arrays(observations)

    def step_async(self, actions: np.ndarray) -> None:
        """Store the actions for ``step_wait``."""
        box = self.action_space
        self._actions = np.clip(actions, box.low, box.high) if isinstance(box, spaces.Box) else actions

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Step every lane. Lanes whose episode ends return the first observation of the next episode."""
        observations, rewards, terminations, truncations, infos = self.envs.step(self._actions)
        dones = terminations | truncations
        by_lane = infos_by_lane(infos, self.num_envs)
        for lane in np.flatnonzero(dones):
            last, info = by_lane[lane].pop("final_obs"), by_lane[lane].pop("final_info", {})
            self.reset_infos[lane] = by_lane[lane]
            by_lane[lane] = {**info, "terminal_observation": last}
        for lane, info in enumerate(by_lane):
            info["TimeLimit.truncated"] = bool(truncations[lane] and not terminations[lane])
        return _own_arrays(observations), np.array(rewards, dtype=np.float32), dones, by_lane

    def close(self) -> None:
        """Close the environment."""
        self.envs.close()

    def get_images(self) -> list[Any]:
        """Return each lane's picture; SB3's ``render`` tiles them."""
        return list(self.envs.render() or ())

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Return an attribute of each lane's environment; all dreams return that of their vector environment."""
        if isinstance(envs := getattr(self.envs.unwrapped, "envs", None), list):
            return [envs[lane].get_wrapper_attr(attr_name) for lane in self._get_indices(indices)]
        return [getattr(self.envs.unwrapped, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute of each lane's environment.

        Raises:
            AttributeError: The lanes are not separate environments.
        """
        for env in self._singles(indices):
            env.set_wrapper_attr(attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any) -> list:
        """Call a method of each lane's environment.

        Raises:
            AttributeError: The lanes are not separate environments.
        """
        singles = self._singles(indices)
        return [env.get_wrapper_attr(method_name)(*method_args, **method_kwargs) for env in singles]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: Indices = None) -> list[bool]:
        """Return for each lane whether its environment is wrapped in ``wrapper_class``; dreams are not."""
        if not isinstance(getattr(self.envs.unwrapped, "envs", None), list):
            return [False for _ in self._get_indices(indices)]
        is_wrapped = require("stable_baselines3.common.env_util", "sb3").is_wrapped
        return [is_wrapped(env, wrapper_class) for env in self._singles(indices)]

    def _singles(self, indices: Indices) -> list[gym.Env]:
        envs = getattr(self.envs.unwrapped, "envs", None)
        if not isinstance(envs, list):
            raise AttributeError(
                f"`envs` must hold a separate environment per lane for this, as SyncVectorEnv does, got {self.envs}. "
                "Use the attribute `envs` of this adapter instead."
            )
        return [envs[lane] for lane in self._get_indices(indices)]


def _own_arrays(observations: Any) -> Any:
    """Return a copy: SB3 keeps observations across steps, and a vector environment may reuse their memory."""

    def own(leaf: Any) -> np.ndarray:
        if isinstance(leaf, torch.Tensor):
            raise ValueError('`envs` must return NumPy arrays, got tensors. Make it with output="numpy".')
        return np.array(leaf)

    return map_leaves(own, observations)
