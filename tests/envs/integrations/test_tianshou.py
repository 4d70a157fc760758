"""Claims about vector environments as those of Tianshou."""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from tests.envs.fake_world import BOX, HEIGHT, WIDTH, FakeWorld, frame_of, length, reward_of
from vdworld.envs import DreamEnv, DreamVectorEnv

pytest.importorskip("tianshou")

from tianshou.algorithm.algorithm_base import Policy
from tianshou.data import Batch, Collector, VectorReplayBuffer
from tianshou.env import BaseVectorEnv, DummyVectorEnv, VectorEnvNormObs

from vdworld.envs.integrations.tianshou import tianshou_vector_env

ACTION = 0.5  # the first number of what the policy below always does


class Steady(Policy):
    """Always take the same action."""

    def __init__(self, action: Any = (ACTION, 0.0), space: spaces.Space = BOX) -> None:
        super().__init__(action_space=space, action_scaling=False, action_bound_method=None)
        self.action = np.asarray(action)

    def forward(self, batch: Any, state: Any = None, **kwargs: Any) -> Any:
        return Batch(act=np.stack([self.action] * len(batch.obs)))


def dreams(num_envs: int = 3, world: FakeWorld | None = None, **settings: Any) -> BaseVectorEnv:
    settings = {"autoreset_mode": AutoresetMode.DISABLED, **settings}
    return tianshou_vector_env(DreamVectorEnv(world or FakeWorld(), num_envs, **settings))


def collected(num_envs: int, seed: int = 0, **how: Any) -> tuple[Any, Any, Any]:
    """Collect in dreams that begin with seeds ``seed``, ``seed + 1``, ...; all of the buffer comes along."""
    collector: Collector = Collector(Steady(), dreams(num_envs), VectorReplayBuffer(100 * num_envs, num_envs))
    collector.reset(gym_reset_kwargs={"seed": seed})
    stats = collector.collect(**how)
    return stats, collector.buffer[:], collector


def lane_rows(batch: Any, lane: int) -> Any:
    return batch[batch.info.env_id == lane]


def test_it_is_an_environment_of_tianshou() -> None:
    envs = dreams(3)
    assert isinstance(envs, BaseVectorEnv)
    assert len(envs) == 3
    assert envs.observation_space == [spaces.Box(0, 255, (HEIGHT, WIDTH, 3), np.uint8)] * 3
    assert envs.action_space == [BOX] * 3
    assert envs.get_env_attr("num_envs", [0, 2]) == [3, 3]


def test_steps_are_collected_as_they_were_dreamt() -> None:
    """Seeds 0, 1 and 2 end after 3, 4 and 5 steps; two steps of lane 0's second episode are in."""
    stats, batch, _ = collected(3, n_step=15)
    assert stats.n_collected_steps == len(batch) == 15
    assert sorted(stats.lens) == [3, 4, 5]
    for lane in range(3):
        rows, first = lane_rows(batch, lane), length(lane)
        assert rows.terminated.tolist() == [step == first for step in range(1, 6)]
        np.testing.assert_array_equal(rows.rew[:first], [reward_of(step, ACTION) for step in range(1, first + 1)])
        np.testing.assert_array_equal(rows.obs_next[:first], [frame_of(lane, t, ACTION) for t in range(1, first + 1)])
        np.testing.assert_array_equal(rows.obs[1:first], rows.obs_next[: first - 1])
        np.testing.assert_array_equal(rows.obs[0], frame_of(lane, 0))
        assert (rows.act == [ACTION, 0.0]).all()
    again = lane_rows(batch, 0)
    assert again.obs[3:, 0, 0, 1].tolist() == [0, 1]  # counted from the start of another dream
    np.testing.assert_array_equal(again.rew[3:], [reward_of(1, ACTION), reward_of(2, ACTION)])
    assert not again.truncated.any()


def test_collecting_continues_where_it_stopped() -> None:
    _, whole, _ = collected(2, n_step=12)
    _, _, collector = collected(2, n_step=4)
    for _ in range(2):
        collector.collect(n_step=4)
    parts = collector.buffer[:]
    np.testing.assert_array_equal(parts.obs, whole.obs)
    np.testing.assert_array_equal(parts.rew, whole.rew)


@pytest.mark.parametrize("num_episodes", [2, 3, 4, 7])
def test_whole_episodes_are_collected(num_episodes: int) -> None:
    """Where fewer episodes are wanted than lanes run, Tianshou steps some lanes only."""
    stats, batch, _ = collected(3, n_episode=num_episodes)
    assert stats.n_collected_episodes == num_episodes
    assert stats.n_collected_steps == len(batch) == stats.lens.sum()
    assert sorted(stats.returns) == sorted(sum(reward_of(t, ACTION) for t in range(1, n + 1)) for n in stats.lens)
    for lane in range(min(num_episodes, 3)):
        ends = np.flatnonzero(lane_rows(batch, lane).terminated)
        assert ends[0] == length(lane) - 1
        lasting = np.diff(ends, prepend=-1)
        counts = lane_rows(batch, lane).obs_next[:, 0, 0, 1]
        assert counts.tolist() == [t for n in lasting for t in range(1, n + 1)]
        seeds = lane_rows(batch, lane).obs[:, 0, 0, 0]
        assert all(length(int(seeds[end])) == n for end, n in zip(ends, lasting, strict=True))


def test_the_limit_of_steps_truncates() -> None:
    collector: Collector = Collector(Steady(), dreams(2, max_episode_steps=2), VectorReplayBuffer(40, 2))
    collector.reset()
    stats = collector.collect(n_episode=4)
    assert stats.lens.tolist() == [2] * 4
    batch = collector.buffer[:]
    assert batch.truncated.tolist() == [False, True] * 4
    assert not batch.terminated.any()


def test_the_same_seed_collects_the_same() -> None:
    batches = [collected(3, seed, n_episode=5)[1] for seed in (4, 4, 5)]
    np.testing.assert_array_equal(batches[0].obs, batches[1].obs)
    assert batches[0].obs.shape != batches[2].obs.shape or (batches[0].obs != batches[2].obs).any()


def test_random_actions_are_drawn_lane_by_lane() -> None:
    taken = []
    for _ in range(2):
        envs = dreams(3)
        collector: Collector = Collector(Steady(), envs, VectorReplayBuffer(60, 3))
        envs.seed(7)
        collector.reset()
        collector.collect(n_step=6, random=True)
        taken.append(collector.buffer[:].act)
    np.testing.assert_array_equal(taken[0], taken[1])
    assert len(np.unique(taken[0][:, 0])) == 6


def test_one_lane_is_what_tianshous_own_makes_of_one_dream() -> None:
    own = DummyVectorEnv([lambda: DreamEnv(FakeWorld())])
    ours = dreams(1)
    for envs in (own, ours):
        envs.seed(3)
    results = []
    for envs in (own, ours):
        collector: Collector = Collector(Steady(), envs, VectorReplayBuffer(60, 1))
        collector.reset(gym_reset_kwargs={"seed": 3})
        collector.collect(n_step=20)
        results.append(collector.buffer[:])
    for name in ("obs", "obs_next", "act", "rew", "terminated", "truncated"):
        np.testing.assert_array_equal(results[1][name], results[0][name])
    np.testing.assert_allclose(results[1].info.continuation, results[0].info.continuation)


def test_infos_are_those_of_the_lane() -> None:
    envs = dreams(3)
    _, infos = envs.reset(seed=5)
    assert [info["seed"] for info in infos] == [5, 6, 7]
    assert infos[1]["context_action_mask"].tolist() == [False, True]
    *_, infos = envs.step(np.zeros((2, 2)), [2, 0])
    assert [info["env_id"] for info in infos] == [2, 0]
    assert [info["seed"] for info in infos] == [7, 5]
    _, infos = envs.reset([1], seed=[8, 9, 10])
    assert [info["seed"] for info in infos] == [9]


class Numbered(gym.Wrapper):
    """Add a number to the infos of every step."""

    def step(self, action: Any) -> Any:
        *results, info = super().step(action)
        return *results, {**info, "number": 7}


def test_infos_that_only_other_lanes_have_are_left_out() -> None:
    makers = [lambda: DreamEnv(FakeWorld()), lambda: Numbered(DreamEnv(FakeWorld()))]
    envs = tianshou_vector_env(SyncVectorEnv(makers, autoreset_mode=AutoresetMode.DISABLED))
    envs.reset(seed=0)
    *_, infos = envs.step(np.zeros((2, 2), dtype=np.float32))
    assert "number" not in infos[0]
    assert infos[1]["number"] == 7


def test_several_cameras_choices_and_tensors_pass() -> None:
    space = spaces.Discrete(3)
    envs = dreams(2, FakeWorld(space, cameras=("top", "wrist")), output="torch")
    collector: Collector = Collector(Steady(1, space), envs, VectorReplayBuffer(20, 2))
    collector.reset(gym_reset_kwargs={"seed": 0})
    collector.collect(n_step=4)
    batch: Any = collector.buffer[:]
    np.testing.assert_array_equal(batch.obs_next.wrist[0], frame_of(0, 1, 1, camera=1))
    np.testing.assert_array_equal(batch.obs_next.top[2], frame_of(1, 1, 1))
    assert batch.rew.tolist() == [reward_of(1, 1), reward_of(2, 1)] * 2


def test_wrappers_and_pictures_of_tianshou_work() -> None:
    inner = DreamVectorEnv(FakeWorld(), 2, render_mode="rgb_array", autoreset_mode=AutoresetMode.DISABLED)
    envs = VectorEnvNormObs(tianshou_vector_env(inner))
    observations, _ = envs.reset(seed=0)
    assert observations.dtype == np.float32 or observations.dtype == np.float64
    np.testing.assert_array_equal(envs.render(), [frame_of(0, 0), frame_of(1, 0)])
    assert not inner.closed
    envs.close()
    assert inner.closed
    assert envs.venv.is_closed


def test_other_vector_environments_serve_too() -> None:
    makers = [lambda: DreamEnv(FakeWorld())] * 3
    sync = tianshou_vector_env(SyncVectorEnv(makers, autoreset_mode=AutoresetMode.DISABLED))
    batches = []
    for envs in (sync, dreams(3)):
        collector: Collector = Collector(Steady(), envs, VectorReplayBuffer(300, 3))
        collector.reset(gym_reset_kwargs={"seed": 1})
        collector.collect(n_episode=7)
        batches.append(collector.buffer[:])
    np.testing.assert_array_equal(batches[0].obs, batches[1].obs)
    np.testing.assert_array_equal(batches[0].rew, batches[1].rew)


def test_what_can_not_work_is_refused() -> None:
    with pytest.raises(ValueError, match="`envs` must have the autoreset mode DISABLED.*got AutoresetMode.NEXT_STEP"):
        tianshou_vector_env(DreamVectorEnv(FakeWorld(), 2))
    with pytest.raises(NotImplementedError, match="set `limit` on the `envs`"):
        dreams(2).set_env_attr("limit", 3)
