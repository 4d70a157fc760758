"""The checker finds nothing wrong with what is right, and each fault by its name."""

from __future__ import annotations

import itertools
import warnings
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from tests.envs.fake_world import FakeWorld
from tests.envs.random_world import random_world
from vdworld.envs import DreamVectorEnv, check_vector_env
from vdworld.envs.games.scripted import CounterEnv

every_mode = pytest.mark.parametrize("mode", list(AutoresetMode))
ACTION_SPACES = {
    "discrete": spaces.Discrete(3),
    "discrete from -1": spaces.Discrete(3, start=-1),
    "multi": spaces.MultiDiscrete([3, 2]),
    "bits": spaces.MultiBinary([2, 2]),
    "bounded": spaces.Box(np.array([-1.0, 0.0]), np.array([1.0, 512.0]), dtype=np.float64),
    "unbounded": spaces.Box(-np.inf, np.inf, (2,), np.float32),
    "integers": spaces.Box(0, 3, (2,), np.int16),
    "tuple": spaces.Tuple([spaces.MultiDiscrete([2, 2]), spaces.Dict({"a": spaces.Box(-1, 1, (2, 1), np.float32)})]),
    "tree": spaces.Dict(
        {"hand": spaces.Discrete(2), "arm": spaces.Tuple([spaces.Box(0, 1, (1,), np.float32), spaces.Discrete(2)])}
    ),
}


class Walk(gym.Env):
    """Counts up by random steps and its actions; ends at ten."""

    def __init__(self) -> None:
        self.observation_space, self.action_space = spaces.Box(0, 20, (1,), np.int64), spaces.Discrete(2)
        self.place = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.place = int(self.np_random.integers(4))
        return np.array([self.place]), {"place": self.place}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.place += int(self.np_random.integers(1, 3)) + int(action)
        return np.array([self.place]), float(action), self.place >= 10, False, {"place": self.place}


def walks(mode: AutoresetMode = AutoresetMode.NEXT_STEP, kind: type[SyncVectorEnv] = SyncVectorEnv) -> SyncVectorEnv:
    return kind([Walk] * 3, autoreset_mode=mode)


@every_mode
def test_gymnasium_s_own_vectors_keep_every_rule(mode: AutoresetMode) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_vector_env(walks(mode), strict=True)
        counters = [partial(gym.wrappers.TimeLimit, CounterEnv(), 7) for _ in range(2)]
        check_vector_env(SyncVectorEnv(counters, autoreset_mode=mode), strict=True, num_steps=20)


@every_mode
@pytest.mark.parametrize("output", ["numpy", "torch"])
def test_dreams_keep_every_rule(mode: AutoresetMode, output: str) -> None:
    envs = DreamVectorEnv(random_world(), 3, max_episode_steps=4, autoreset_mode=mode, output=output)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_vector_env(envs, strict=True, num_steps=9)


def combinations() -> list[Any]:
    """Every kind of action in every mode and output; two of each kind are quick enough for every day."""
    ways = list(itertools.product(AutoresetMode, ("numpy", "torch")))
    params = []
    for i, kind in enumerate(ACTION_SPACES):
        for j, (mode, output) in enumerate(ways):
            daily = j in (i % len(ways), (i + 3) % len(ways))
            params.append(pytest.param(kind, output, mode, marks=() if daily else pytest.mark.slow))
    return params


@pytest.mark.parametrize(("kind", "output", "mode"), combinations())
def test_environments_with_any_actions_keep_every_rule(kind: str, output: str, mode: AutoresetMode) -> None:
    world = FakeWorld(ACTION_SPACES[kind])
    check_vector_env(DreamVectorEnv(world, 2, autoreset_mode=mode, output=output), strict=True, num_steps=8)


@pytest.mark.parametrize("kind", ["discrete", "unbounded", "tree"])
def test_dreams_with_any_actions_keep_every_rule(kind: str) -> None:
    mode = AutoresetMode.SAME_STEP
    envs = DreamVectorEnv(random_world(ACTION_SPACES[kind]), 2, max_episode_steps=4, autoreset_mode=mode)
    check_vector_env(envs, strict=True, num_steps=7)


def test_dreams_of_two_cameras_keep_every_rule() -> None:
    world = random_world(cameras=("top", "wrist"))
    envs = DreamVectorEnv(world, 2, max_episode_steps=4, autoreset_mode=AutoresetMode.SAME_STEP, output="torch")
    check_vector_env(envs, strict=True, num_steps=7)


def test_gymnasium_s_cart_poles_keep_the_contract_but_take_no_lists_of_seeds() -> None:
    envs = gym.make_vec("CartPole-v1", 3, vectorization_mode="vector_entry_point", max_episode_steps=20)
    check_vector_env(envs)
    with pytest.raises(
        AssertionError, match="`reset` must take a list of seeds; it raised Error: Seed must be a python"
    ):
        check_vector_env(envs, strict=True)


def test_an_environment_that_never_ends_gives_a_warning() -> None:
    with pytest.warns(UserWarning, match="No episode ended within 2 steps"):
        check_vector_env(SyncVectorEnv([Walk] * 2), num_steps=2)


class WrongMode(SyncVectorEnv):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.metadata = {**self.metadata, "autoreset_mode": "NextStep"}


class WrongSpace(SyncVectorEnv):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.observation_space = self.single_observation_space


class Aliased(SyncVectorEnv):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "copy": False})


class Unseeded(SyncVectorEnv):
    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        return super().reset(options=options)


class IntegerRewards(SyncVectorEnv):
    def step(self, actions: Any) -> Any:
        observations, rewards, *rest = super().step(actions)
        return (observations, rewards.astype(int), *rest)


class Unmasked(SyncVectorEnv):
    def step(self, actions: Any) -> Any:
        *rest, infos = super().step(actions)
        return (*rest, {"place": infos["place"]})


class Rewarding(SyncVectorEnv):
    """Gives a reward for the step that begins an episode."""

    def step(self, actions: Any) -> Any:
        observations, rewards, *rest = super().step(actions)
        return (observations, rewards + 1.0, *rest)


class Forgetful(SyncVectorEnv):
    def step(self, actions: Any) -> Any:
        *rest, infos = super().step(actions)
        return (*rest, {name: value for name, value in infos.items() if "final" not in name})


class SharedStream(SyncVectorEnv):
    """All lanes draw from one stream."""

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        results = super().reset(seed=seed, options=options)
        for env in self.envs[1:]:
            env.unwrapped.np_random = self.envs[0].unwrapped.np_random
        return results


class Impartial(SyncVectorEnv):
    """Resets all lanes whatever the mask."""

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        options = {"reset_mask": np.ones(self.num_envs, dtype=np.bool_)} if options else None
        return super().reset(seed=seed, options=options)


class Meddling(SyncVectorEnv):
    """The first lane's action moves all."""

    def step(self, actions: Any) -> Any:
        return super().step(np.full_like(actions, actions[0]))


@pytest.mark.parametrize(
    ("kind", "mode", "message"),
    [
        (WrongMode, "NEXT_STEP", r'`metadata\["autoreset_mode"\]` must be a gymnasium.vector.AutoresetMode'),
        (WrongSpace, "NEXT_STEP", "`observation_space` must be Box"),
        (Aliased, "NEXT_STEP", "Observations must not change once they are handed out"),
        (Unseeded, "NEXT_STEP", "with the same seed must repeat the same episodes"),
        (IntegerRewards, "NEXT_STEP", "`reward` must hold 3 floats, got int64"),
        (Unmasked, "NEXT_STEP", '`info` must hold beside "place" the mask of its lanes "_place"'),
        (Rewarding, "NEXT_STEP", "the step after an end must give reward 0"),
        (Forgetful, "SAME_STEP", '`info` must hold "final_obs" and its mask'),
        (SharedStream, "SAME_STEP", "A lane's seed and actions alone must decide its episode"),
        (Impartial, "SAME_STEP", "`reset.*reset_mask.* must not affect the other lanes"),
        (Meddling, "SAME_STEP", "A lane's seed and actions alone must decide"),
    ],
)
def test_every_fault_is_found_and_named(kind: type[SyncVectorEnv], mode: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_vector_env(walks(AutoresetMode[mode], kind), strict=True)
