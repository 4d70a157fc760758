"""Claims about vector environments as VecEnvs of Stable-Baselines3."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from tests.envs.fake_world import BOX, HEIGHT, WIDTH, FakeWorld, frame_of, reward_of
from vdworld.envs import DreamEnv, DreamVectorEnv
from vdworld.envs.array_trees import map_leaves

pytest.importorskip("stable_baselines3")

from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from vdworld.envs.integrations.stable_baselines3 import VecEnvAdapter

SAME_STEP = AutoresetMode.SAME_STEP


def dreams(
    world: FakeWorld | None = None, *, num_envs: int = 2, limit: int | None = 5, **settings: Any
) -> VecEnvAdapter:
    settings = {"autoreset_mode": SAME_STEP, **settings}
    return VecEnvAdapter(DreamVectorEnv(world or FakeWorld(), num_envs, max_episode_steps=limit, **settings))


def single(world: FakeWorld, limit: int = 5, **settings: Any) -> gym.Env:
    return gym.wrappers.TimeLimit(DreamEnv(world, **settings), limit)


def synced(world: FakeWorld, num_envs: int = 2, **settings: Any) -> VecEnvAdapter:
    return VecEnvAdapter(SyncVectorEnv([partial(single, world, **settings)] * num_envs, autoreset_mode=SAME_STEP))


def test_an_end_and_a_time_limit_are_reported_as_in_sb3() -> None:
    envs = dreams()
    envs.seed(3)  # lane 0 would end at step 6 and lane 1 ends at step 3
    assert envs.reset().shape == (2, HEIGHT, WIDTH, 3)
    assert [info["seed"] for info in envs.reset_infos] == [3, 4]
    actions = np.array([[0.5, 0.0], [-0.5, 0.0]], dtype=np.float32)
    steps = [envs.step(actions) for _ in range(5)]

    for t in (1, 2):
        observations, rewards, dones, infos = steps[t - 1]
        np.testing.assert_array_equal(observations, [frame_of(3, t, 0.5), frame_of(4, t, -0.5)])
        assert rewards.tolist() == [reward_of(t, 0.5), reward_of(t, -0.5)]
        assert (rewards.dtype, dones.dtype, dones.tolist()) == (np.float32, np.bool_, [False, False])
        assert [(info["continuation"], info["TimeLimit.truncated"]) for info in infos] == [(1 - t / 16, False)] * 2

    observations, rewards, dones, infos = steps[2]
    assert dones.tolist() == [False, True]
    assert rewards.tolist() == [reward_of(3, 0.5), reward_of(3, -0.5)]
    terminal = infos[1].pop("terminal_observation")
    np.testing.assert_array_equal(terminal, frame_of(4, 3, -0.5))
    assert [(info["continuation"], info["seed"]) for info in infos] == [(1 - 3 / 16, 3), (0.0, 4)]
    assert not any(info["TimeLimit.truncated"] for info in infos)
    seed = envs.reset_infos[1]["seed"]
    assert seed not in (3, 4)
    np.testing.assert_array_equal(observations, [frame_of(3, 3, 0.5), frame_of(seed, 0)])

    _, _, dones, infos = steps[4]
    assert dones.tolist() == [True, False]
    assert (infos[0]["TimeLimit.truncated"], infos[0]["continuation"]) == (True, 1 - 5 / 16)
    np.testing.assert_array_equal(infos[0]["terminal_observation"], frame_of(3, 5, 0.5))


def test_an_end_at_the_time_limit_is_an_end() -> None:
    envs = dreams(num_envs=1)
    envs.seed(2)  # ends at step 5
    envs.reset()
    *_, dones, infos = [envs.step(np.zeros((1, 2))) for _ in range(5)][-1]
    assert (dones.tolist(), infos[0]["TimeLimit.truncated"]) == ([True], False)


@pytest.mark.parametrize("space", [BOX, spaces.Discrete(2)])
@pytest.mark.parametrize("cameras", [("image",), ("top", "wrist")])
@pytest.mark.parametrize("make", [dreams, synced])
def test_it_returns_the_same_as_sb3s_own_vector_environment(make: Any, cameras: tuple[str, ...], space: Any) -> None:
    world = FakeWorld(space, cameras=cameras)
    ours, theirs = make(world, num_envs=3), DummyVecEnv([partial(single, world)] * 3)
    assert (ours.observation_space, ours.action_space) == (theirs.observation_space, theirs.action_space)
    for envs in (ours, theirs):
        envs.seed(3)
    assert_same(ours.reset(), theirs.reset())
    space.seed(0)
    ends = 0
    for _ in range(25):
        actions = np.array([space.sample() for _ in range(3)])
        (*left, left_infos), (*right, right_infos) = ours.step(actions), theirs.step(actions)
        assert_same(tuple(left), tuple(right))
        for one, other in zip(left_infos + ours.reset_infos, right_infos + theirs.reset_infos, strict=True):
            assert_same(one, other)
        ends += int(left[-1].sum())
    assert ends > 10


def assert_same(left: Any, right: Any) -> None:
    if isinstance(right, dict):
        assert left.keys() == right.keys()
    pairs = zip(values(left), values(right), strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


def values(tree: Any) -> list[Any]:
    leaves: list[Any] = []
    map_leaves(leaves.append, dict(sorted(tree.items())) if isinstance(tree, dict) else tree)
    return leaves


def test_the_statistics_of_vec_monitor_add_up() -> None:
    envs = VecMonitor(dreams())
    envs.seed(3)
    envs.reset()
    episodes = []
    for _ in range(5):
        *_, infos = envs.step(np.zeros((2, 2), dtype=np.float32))
        episodes += [info["episode"] for info in infos if "episode" in info]
    assert [(float(episode["r"]), int(episode["l"])) for episode in episodes] == [(60.0, 3), (150.0, 5)]


def test_the_monitor_of_each_environment_is_found() -> None:
    envs = SyncVectorEnv([lambda: Monitor(single(FakeWorld()))] * 2, autoreset_mode=SAME_STEP)
    adapter = VecEnvAdapter(envs)
    assert adapter.env_is_wrapped(Monitor) == [True, True]
    assert dreams().env_is_wrapped(Monitor) == [False, False]
    adapter.seed(3)
    adapter.reset()
    infos = [adapter.step(np.zeros((2, 2), dtype=np.float32))[-1] for _ in range(3)][-1]
    assert (infos[1]["episode"]["r"], infos[1]["episode"]["l"]) == (60.0, 3)


def test_a_seed_counts_for_one_reset_and_none_draws_one() -> None:
    envs = dreams()
    assert envs.seed(7) == [7, 8]
    envs.reset()
    envs.reset()
    assert [info["seed"] for info in envs.reset_infos] != [7, 8]
    drawn = envs.seed()
    envs.reset()
    assert [info["seed"] for info in envs.reset_infos] == drawn
    assert drawn != [7, 8]


CLIP = np.stack([frame_of(60, 9), frame_of(61, 9)])


@pytest.mark.parametrize(
    ("options", "pictures"),
    [
        ({"start_index": 2}, [frame_of(202, 0), frame_of(202, 0)]),
        ([{"start_index": 2}, {"start_index": 4}], [frame_of(202, 0), frame_of(204, 0)]),
        ({"frames": CLIP}, [CLIP[-1], CLIP[-1]]),
        ([{"frames": CLIP}, {"frames": CLIP[0]}], [CLIP[1], CLIP[0]]),
        ([{}, {"start_index": 4}], [frame_of(3, 0), frame_of(204, 0)]),
        (None, [frame_of(3, 0), frame_of(4, 0)]),
    ],
)
@pytest.mark.parametrize("make", [dreams, synced, lambda world: DummyVecEnv([partial(single, world)] * 2)])
def test_options_go_to_the_next_reset_of_all_lanes_or_of_each(make: Any, options: Any, pictures: list) -> None:
    envs = make(FakeWorld())
    envs.seed(3)
    envs.set_options(options)
    np.testing.assert_array_equal(envs.reset(), pictures)
    assert [info["seed"] for info in envs.reset_infos] == [3, 4]
    envs.seed(3)
    np.testing.assert_array_equal(envs.reset(), [frame_of(3, 0), frame_of(4, 0)])


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
@pytest.mark.parametrize("real", [False, True])
def test_other_autoreset_modes_are_refused(mode: AutoresetMode, real: bool) -> None:
    envs: VectorEnv = DreamVectorEnv(FakeWorld(), 2, autoreset_mode=mode)
    if real:
        envs = SyncVectorEnv([partial(single, FakeWorld())], autoreset_mode=mode)
    with pytest.raises(ValueError, match=f"`envs` must be in autoreset mode SAME_STEP, got {mode}. Make it with"):
        VecEnvAdapter(envs)


def test_tensors_are_refused() -> None:
    with pytest.raises(ValueError, match='`envs` must return NumPy arrays, got tensors. Make it with output="numpy"'):
        dreams(output="torch").reset()


def test_actions_beyond_the_box_by_a_rounding_error_are_clipped() -> None:
    envs = dreams()
    envs.seed(3)
    envs.reset()
    observations, *_ = envs.step(np.array([[1.0000001, 0.0], [-1.0000001, 0.0]], dtype=np.float32))
    np.testing.assert_array_equal(observations, [frame_of(3, 1, 1.0), frame_of(4, 1, -1.0)])


def test_observations_stay_as_they_are_where_the_vector_environment_reuses_its_memory() -> None:
    envs = VecEnvAdapter(SyncVectorEnv([partial(single, FakeWorld())], autoreset_mode=SAME_STEP, copy=False))
    envs.seed(3)
    first = envs.reset()
    envs.step(np.zeros((1, 2), dtype=np.float32))
    np.testing.assert_array_equal(first, [frame_of(3, 0)])


def test_pictures_are_tiled() -> None:
    for envs in (dreams(render_mode="rgb_array"), synced(FakeWorld(), render_mode="rgb_array")):
        assert envs.render_mode == "rgb_array"
        envs.seed(3)
        envs.reset()
        np.testing.assert_array_equal(envs.get_images(), [frame_of(3, 0), frame_of(4, 0)])
        tiled = envs.render()
        assert tiled is not None
        np.testing.assert_array_equal(tiled, np.concatenate([frame_of(3, 0), frame_of(4, 0)], axis=0))


def test_attributes_and_methods_of_single_environments_are_reached() -> None:
    envs = synced(FakeWorld(), num_envs=3)
    envs.set_attr("_max_episode_steps", 9, indices=[0, 2])
    assert envs.get_attr("_max_episode_steps") == [9, 5, 9]
    assert envs.get_attr("_max_episode_steps", indices=1) == [5]
    results = envs.env_method("reset", indices=[1], seed=6)
    np.testing.assert_array_equal(results[0][0], frame_of(6, 0))
    assert envs.has_attr("world")
    assert not envs.has_attr("no_such_name")


def test_dreams_share_the_attributes_of_their_vector_environment() -> None:
    envs = dreams(limit=7)
    assert envs.get_attr("max_episode_steps") == [7, 7]
    envs.set_attr("max_episode_steps", 1)
    assert envs.get_attr("max_episode_steps", indices=1) == [1]
    envs.seed(3)
    envs.reset()
    assert envs.step(np.zeros((2, 2), dtype=np.float32))[2].all()
    first, second = envs.env_method("get_state")
    assert first is second
    assert len(first.state) == 2
    assert envs.env_method("set_state", first, indices=[0]) == [None]
    with pytest.raises(ValueError, match="`indices` must be all lanes, which share one environment, got 0"):
        envs.set_attr("max_episode_steps", 9, indices=0)
    with pytest.raises(AttributeError, match="no_such_name"):
        envs.env_method("no_such_name")


def test_attributes_of_wrappers_around_dreams_are_reached_too() -> None:
    wrapped = gym.wrappers.vector.RecordEpisodeStatistics(DreamVectorEnv(FakeWorld(), 2, autoreset_mode=SAME_STEP))
    envs = VecEnvAdapter(wrapped)
    assert envs.get_attr("episode_count") == [0, 0]
    assert envs.get_attr("autoreset_mode") == [SAME_STEP] * 2
