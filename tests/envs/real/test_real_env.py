from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from vdworld.data import resize_area
from vdworld.envs import RealEnv, make_real
from vdworld.envs.games.scripted import CounterEnv
from vdworld.envs.real.registry import find_environment, package_of
from vdworld.spec import EnvironmentSpec


@pytest.fixture(autouse=True)
def counter() -> Iterator[None]:
    gym.register("test/Counter-v0", entry_point="vdworld.envs.games.scripted:CounterEnv", max_episode_steps=40)
    yield
    del gym.registry["test/Counter-v0"]


def test_frames_are_taken_after_every_reset_and_step() -> None:
    env = make_real("test/Counter-v0")
    env.reset(seed=0)
    for step in range(1, 5):
        observation, _, _, _, info = env.step(2)
        np.testing.assert_array_equal(env.frames()["pixels"], observation)
        np.testing.assert_array_equal(info["frames"]["pixels"], observation)
        assert env.frames()["pixels"][0, 0, 0] == step
        assert env.state()["info.sum"] == info["sum"]


def test_frames_are_resized_by_area() -> None:
    env, small = make_real("CartPole-v1"), make_real("CartPole-v1", image_size=(40, 60))
    for each in (env, small):
        each.reset(seed=0)
    planes = env.frames()["render"].transpose(2, 0, 1)
    np.testing.assert_array_equal(small.frames()["render"].transpose(2, 0, 1), resize_area(planes, (40, 60)))


def test_repeated_actions_sum_their_rewards_and_stop_at_the_end() -> None:
    single, triple = make_real("test/Counter-v0"), make_real("test/Counter-v0", action_repeat=3)
    assert (single.environment_spec.fps, triple.environment_spec.fps) == (20, pytest.approx(20 / 3))
    for env in (single, triple):
        env.reset(seed=1)
    total = sum(single.step(1)[1] for _ in range(3))
    _, reward, _, _, _ = triple.step(1)
    assert reward == total
    np.testing.assert_array_equal(single.frames()["pixels"], triple.frames()["pixels"])
    ended, steps = False, 1
    while not ended:
        _, _, terminated, truncated, _ = triple.step(4)
        ended, steps = terminated or truncated, steps + 1
    assert triple.state()["info.sum"] < 60 + 4, "no action is taken after the end"


def test_a_limit_counts_recorded_steps() -> None:
    env = make_real("test/Counter-v0", action_repeat=2, max_episode_steps=5)
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(5)] == [False] * 4 + [True]


def test_the_description_rebuilds_the_environment() -> None:
    env = make_real("test/Counter-v0", kwargs={"limit": 9}, image_size=(4, 4), action_repeat=2)
    again = make_real(EnvironmentSpec.from_json(env.environment_spec.to_json()))
    assert again.environment_spec == env.environment_spec
    unwrapped: Any = again.unwrapped
    assert unwrapped.limit == 9
    assert again.reset(seed=3)[1]["sum"] == env.reset(seed=3)[1]["sum"]
    np.testing.assert_array_equal(again.frames()["pixels"], env.frames()["pixels"])


def test_a_function_may_build_the_environment() -> None:
    env = make_real(lambda: CounterEnv(limit=7), image_size=(4, 4))
    assert isinstance(env, RealEnv)
    assert env.environment_spec.id == "CounterEnv"
    assert env.environment_spec.fps == 20
    env.reset(seed=0)
    assert env.frames()["pixels"].shape == (4, 4, 3)


def test_an_unknown_id_gets_close_matches() -> None:
    with pytest.raises(gym.error.NameNotFound, match=r"got 'CartPol-v1'\. Did you mean CartPole-v1"):
        make_real("CartPol-v1")
    with pytest.raises(gym.error.NameNotFound, match="'my_package:Zzyzx-v9'"):
        make_real("Zzyzx-v9")


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(gym.error.NamespaceNotFound, match=r"\(pip install no-such-robot\).*'my_package:no_such_robot/"):
        make_real("no_such_robot/Push-v0")
    with pytest.raises(gym.error.NamespaceNotFound, match="needs the package 'no_such_module'"):
        make_real("no_such_module:Push-v0")
    monkeypatch.setitem(__import__("sys").modules, "ale_py", None)
    for env_id in [env_id for env_id in gym.registry if env_id.startswith("ALE/")]:
        monkeypatch.delitem(gym.registry, env_id)
    with pytest.raises(gym.error.NamespaceNotFound, match=r'pip install "vdworld\[atari\]"'):
        make_real("ALE/Pong-v5")


def test_an_id_may_name_its_module() -> None:
    pytest.importorskip("gym_pusht")
    plain, named = (find_environment(prefix + "gym_pusht/PushT-v0") for prefix in ("", "gym_pusht:"))
    assert plain is named
    assert package_of(plain) == ("gym_pusht",)
    assert package_of(find_environment("CartPole-v1")) == ()


def test_pusht_is_recorded_without_the_mark_of_the_action() -> None:
    pytest.importorskip("gym_pusht")
    env = make_real("gym_pusht/PushT-v0", image_size=(32, 32))
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.array([60.0, 450.0], np.float32))
    red = (env.frames()["pixels"].astype(int) @ [1, -1, 0]) > 60
    assert not red.any()
    assert set(env.state()) >= {"observation.agent_pos", "info.block_pose", "info.vel_agent"}


def test_an_environment_that_shows_nothing_is_refused_with_advice() -> None:
    class Blind(CounterEnv):
        def __init__(self) -> None:
            super().__init__()
            self.observation_space = gym.spaces.Discrete(2)

    gym.register("test/Blind-v0", entry_point=lambda **_: Blind())
    try:
        with pytest.raises(ValueError, match=r"`env` must show pictures.*Discrete\(2\)"):
            make_real("test/Blind-v0")
    finally:
        del gym.registry["test/Blind-v0"]


class Rewarding(CounterEnv):
    """A counter whose rewards are what its argument says."""

    def __init__(self, reward: Any = 0.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.given = reward

    def step(self, action: Any) -> Any:
        observation, _, *rest = super().step(action)
        return observation, self.given, *rest


def test_rewards_of_one_element_are_numbers_and_others_are_refused() -> None:
    for reward in (0.5, np.array([0.5]), np.array(0.5), np.float32(0.5)):
        env = make_real(lambda reward=reward: Rewarding(reward), action_repeat=2)
        env.reset(seed=0)
        total = env.step(1)[1]
        assert (type(total), total) == (float, 1.0)
    for reward in (None, np.zeros(2)):
        env = make_real(lambda reward=reward: Rewarding(reward))
        env.reset(seed=0)
        with pytest.raises(ValueError, match=r"`step\(\)` of `env` must return a number as its reward, got"):
            env.step(1)
