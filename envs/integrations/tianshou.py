"""Tianshou: any Gymnasium vector environment, such as a batch of dreams, as a vector environment of Tianshou."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import concatenate, create_empty_array

from vdworld.envs.array_trees import map_leaves, to_numpy
from vdworld.envs.integrations.lane_infos import infos_by_lane
from vdworld.extras import require

if TYPE_CHECKING:
    from tianshou.env import BaseVectorEnv  # pyright: ignore[reportMissingImports]


def tianshou_vector_env(envs: VectorEnv) -> BaseVectorEnv:
    """Return ``envs`` as a vector environment of Tianshou, for its Collector and its trainers.

    Tianshou resets lanes itself after their episodes end, so ``envs`` must not::

        envs = gym.make_vec("vdworld/Dream-v0", num_envs=16, world="runs/pusht", autoreset_mode="Disabled")
        collector = Collector(algorithm, tianshou_vector_env(envs), VectorReplayBuffer(10_000, 16))

    ``LanesAsWorkers`` documents its methods.

    Raises:
        ImportError: Tianshou is not installed.
        ValueError: `envs` is not in autoreset mode DISABLED.
    """
    return _vector_env_class()(envs)


class LanesAsWorkers:
    """The methods of Tianshou's ``BaseVectorEnv``, with the lanes of one vector environment in place of its workers.

    A batch always steps as a whole. When Tianshou steps only some lanes, as its Collector does towards the end of
    ``collect(n_episode=...)``, the others step too, with arbitrary actions, and must be reset before their next step.

    Args:
        envs: A vector environment in autoreset mode DISABLED that accepts ``options["reset_mask"]``.

    Raises:
        ValueError: `envs` is in another autoreset mode.
    """

    def __init__(self, envs: VectorEnv) -> None:
        mode = envs.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.DISABLED:
            raise ValueError(
                f"`envs` must have the autoreset mode DISABLED, since Tianshou resets lanes itself, got {mode}. "
                'Make them with autoreset_mode="Disabled".'
            )
        self.envs = envs
        self.env_num = self.wait_num = envs.num_envs
        self.is_async, self.timeout = False, None
        self.waiting_id: list[int] = []
        self.ready_id = list(range(envs.num_envs))
        self.is_closed = False
        self._action_spaces = _independent(envs.single_action_space, envs.num_envs)
        self._ended = np.zeros(envs.num_envs, dtype=np.bool_)  # lanes whose episode is over
        self._stepped_along = np.zeros(envs.num_envs, dtype=np.bool_)  # lanes that stepped with an arbitrary action

    def reset(
        self, env_id: int | Sequence[int] | np.ndarray | None = None, **kwargs: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Begin episodes in the lanes ``env_id``, or in all, and return their observations and infos, one row each.

        Keyword arguments are those of Gymnasium's ``reset``; with an int as ``seed``, lane i gets seed + i.
        """
        lanes = self._lanes(env_id)
        options = kwargs.pop("options", None) or {}
        if len(lanes) < self.env_num:
            options = {**options, "reset_mask": self._mask(lanes)}
        observations, infos = self.envs.reset(options=options, **kwargs)
        self._ended[lanes] = self._stepped_along[lanes] = False
        return _rows(observations, lanes), np.array(self._infos(infos, lanes), dtype=object)

    def step(
        self, action: Any, id: int | Sequence[int] | np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Step the lanes ``id``, or all, and return observations, rewards, ends and infos, one row each.

        Raises:
            ResetNeeded: One of them ended, or stepped along with other lanes, and was not reset since.
        """
        lanes = self._lanes(id)
        stale = lanes[(self._ended | self._stepped_along)[lanes]]
        if len(stale):
            raise ResetNeeded(
                f"Lanes {stale.tolist()} ended, or stepped along with other lanes; reset them before the next step."
            )
        idle = ~self._mask(lanes)
        if (self._ended & idle).any():
            self.envs.reset(options={"reset_mask": self._ended & idle})
        observations, *results, infos = self.envs.step(self._all_actions(action, lanes))
        rewards, terminations, truncations = (np.asarray(to_numpy(result)) for result in results)
        self._ended, self._stepped_along = terminations | truncations, idle
        rows = [{**info, "env_id": lane} for info, lane in zip(self._infos(infos, lanes), lanes.tolist(), strict=True)]
        ends = terminations[lanes], truncations[lanes]
        return _rows(observations, lanes), rewards[lanes], *ends, np.array(rows, dtype=object)

    def seed(self, seed: int | Sequence[int] | None = None) -> list[list[int] | None]:
        """Seed every lane and its action space, and begin an episode there; an int gives lane i ``seed + i``."""
        seeds = range(seed, seed + self.env_num) if isinstance(seed, int) else seed
        self.reset(seed=seeds if seeds is None else list(seeds))
        if seeds is None:
            return [None] * self.env_num
        for space, lane_seed in zip(self._action_spaces, seeds, strict=True):
            space.seed(lane_seed)
        return [[lane_seed] for lane_seed in seeds]

    def get_env_attr(self, key: str, id: int | Sequence[int] | np.ndarray | None = None) -> list[Any]:
        """Return an attribute for each lane; spaces are those of a single lane."""
        lanes = self._lanes(id)
        if key == "action_space":
            return [self._action_spaces[lane] for lane in lanes]
        value = getattr(self.envs, "single_observation_space" if key == "observation_space" else key)
        return [value for _ in lanes]

    def set_env_attr(self, key: str, value: Any, id: int | Sequence[int] | np.ndarray | None = None) -> None:
        """Raise NotImplementedError: lanes have no attributes of their own.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f"The lanes share one environment; set `{key}` on the `envs` that you passed.")

    def render(self, **_: Any) -> list[Any]:
        """Return one picture per lane, as Gymnasium's ``render`` does."""
        return list(self.envs.render() or ())

    def close(self) -> None:
        """Close the environment."""
        self.envs.close()
        self.is_closed = True

    def _lanes(self, ids: int | Sequence[int] | np.ndarray | None) -> np.ndarray:
        return np.arange(self.env_num) if ids is None else np.atleast_1d(np.asarray(ids, dtype=np.int64))

    def _mask(self, lanes: np.ndarray) -> np.ndarray:
        mask = np.zeros(self.env_num, dtype=np.bool_)
        mask[lanes] = True
        return mask

    def _infos(self, infos: dict[str, Any], lanes: np.ndarray) -> list[dict[str, Any]]:
        by_lane = infos_by_lane(infos, self.env_num)
        return [by_lane[lane] for lane in lanes]

    def _all_actions(self, action: Any, lanes: np.ndarray) -> Any:
        """Return an action for every lane; lanes without one repeat the first."""
        by_lane = dict(zip(lanes.tolist(), to_numpy(action), strict=True))
        rows = [by_lane.get(lane, by_lane[int(lanes[0])]) for lane in range(self.env_num)]
        space = self.envs.single_action_space
        return concatenate(space, rows, create_empty_array(space, self.env_num))


@cache
def _vector_env_class() -> Any:
    """Return a subclass of Tianshou's own class with these methods; Tianshou must be installed."""
    base = require("tianshou.env", "tianshou").BaseVectorEnv
    return type("GymnasiumVectorEnv", (LanesAsWorkers, base), {"__doc__": LanesAsWorkers.__doc__})


def _independent(space: Any, count: int) -> list[Any]:
    """Return copies of a space that sample independently, with seeds drawn from the space's generator."""
    spaces = [copy.deepcopy(space) for _ in range(count)]
    for part, seed in zip(spaces, space.np_random.integers(2**31, size=count), strict=True):
        part.seed(int(seed))
    return spaces


def _rows(tree: Any, lanes: np.ndarray) -> np.ndarray:
    """Return the observations of some lanes as an array; Dict observations give an object array of dicts."""
    tree = map_leaves(lambda leaf: np.asarray(to_numpy(leaf)), tree)
    if isinstance(tree, np.ndarray):
        return tree[lanes]
    return np.array([_row(tree, lane) for lane in lanes.tolist()], dtype=object)


def _row(tree: Any, lane: int) -> Any:
    return map_leaves(lambda leaf: leaf[lane].copy(), tree)
