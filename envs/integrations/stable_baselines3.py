"""Stable-Baselines3: any Gymnasium vector environment as a ``VecEnv``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from vdworld.envs.array_trees import map_leaves
from vdworld.envs.integrations.lane_infos import infos_by_lane
from vdworld.envs.integrations.lane_options import reset_with_options
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
        self._actions: Any = None

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Seed the next reset: lane i gets ``seed + i``. None draws a random seed."""
        self._seed = int(np.random.default_rng().integers(2**31)) if seed is None else int(seed)
        return [self._seed + lane for lane in range(self.num_envs)]

    def reset(self) -> Any:
        """Begin an episode in every lane, with the seed and the options that were set, and return the observations.

        Options are one dict for all lanes or a list of one per lane, as a single environment's ``reset`` takes them.
        """
        observations, self.reset_infos = reset_with_options(self.envs, self._seed, self._options)
        self._seed = None
        self._reset_options()
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
        if (singles := self._singles(indices)) is not None:
            return [env.get_wrapper_attr(attr_name) for env in singles]
        return [getattr(self._owner(attr_name), attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute of each lane's environment; dreams share that of their vector environment.

        Raises:
            ValueError: `indices` are some of the lanes, which share one environment.
        """
        singles = self._singles(indices)
        for env in singles or ():
            env.set_wrapper_attr(attr_name, value)
        if singles is None:
            if len(set(self._get_indices(indices))) < self.num_envs:
                raise ValueError(f"`indices` must be all lanes, which share one environment, got {indices}.")
            setattr(self._owner(attr_name), attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any) -> list:
        """Call a method of each lane's environment; that of dreams, which share one, once, with the result for each."""
        if (singles := self._singles(indices)) is not None:
            return [env.get_wrapper_attr(method_name)(*method_args, **method_kwargs) for env in singles]
        result = getattr(self._owner(method_name), method_name)(*method_args, **method_kwargs)
        return [result for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: Indices = None) -> list[bool]:
        """Return for each lane whether its environment is wrapped in ``wrapper_class``; dreams are not."""
        singles = self._singles(indices)
        if singles is None:
            return [False for _ in self._get_indices(indices)]
        is_wrapped = require("stable_baselines3.common.env_util", "sb3").is_wrapped
        return [is_wrapped(env, wrapper_class) for env in singles]

    def _singles(self, indices: Indices) -> list[gym.Env] | None:
        """Return the environments of the lanes; None if the lanes share one."""
        envs = getattr(self.envs.unwrapped, "envs", None)
        return [envs[lane] for lane in self._get_indices(indices)] if isinstance(envs, list) else None

    def _owner(self, name: str) -> VectorEnv:
        """Return what has an attribute: the outermost of the wrappers, or the environment within."""
        envs = self.envs
        while isinstance(envs, VectorWrapper) and not hasattr(envs, name):
            envs = envs.env
        return envs


def _own_arrays(observations: Any) -> Any:
    """Return a copy: SB3 keeps observations across steps, and a vector environment may reuse their memory."""

    def own(leaf: Any) -> np.ndarray:
        if isinstance(leaf, torch.Tensor):
            raise ValueError('`envs` must return NumPy arrays, got tensors. Make it with output="numpy".')
        return np.array(leaf)

    return map_leaves(own, observations)
