"""Claims about lanes of Tianshou's vector environments that step, begin and are seeded on their own."""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.seeding import np_random
from gymnasium.vector import AutoresetMode

from tests.envs.fake_world import FakeWorld, frame_of, length, reward_of
from vdworld.envs import DreamVectorEnv
from vdworld.envs.dream.lane_seeds import draw_seed

pytest.importorskip("tianshou")

from vdworld.envs.integrations.tianshou import tianshou_vector_env


def dreams(num_envs: int, **settings: Any) -> Any:
    return tianshou_vector_env(DreamVectorEnv(FakeWorld(), num_envs, autoreset_mode=AutoresetMode.DISABLED, **settings))


def test_rows_come_in_the_requested_order() -> None:
    envs = dreams(3)
    envs.reset(seed=0)
    observations, rewards, *_ = envs.step(np.array([[0.2, 0.0], [-0.4, 0.0]], dtype=np.float32), np.array([2, 0]))
    np.testing.assert_array_equal(observations, [frame_of(2, 1, 0.2), frame_of(0, 1, -0.4)])
    np.testing.assert_allclose(rewards, [reward_of(1, 0.2), reward_of(1, -0.4)], rtol=1e-6)
    observations, _ = envs.reset(1, seed=20)
    np.testing.assert_array_equal(observations, [frame_of(21, 0)])


def test_returned_observations_do_not_change_later() -> None:
    envs = dreams(2)
    first, _ = envs.reset(seed=0)
    kept = first.copy()
    envs.step(np.zeros((2, 2)))
    np.testing.assert_array_equal(first, kept)


def test_lanes_that_stepped_along_or_ended_must_be_reset() -> None:
    envs = dreams(3)
    envs.reset(seed=0)
    envs.step(np.zeros((1, 2)), 1)
    with pytest.raises(ResetNeeded, match=r"Lanes \[0, 2\] ended, or stepped along with other lanes; reset them"):
        envs.step(np.zeros((3, 2)))
    ends = [envs.step(np.zeros((1, 2)), 1)[2].item() for _ in range(length(1) - 1)]  # lane 0 ends before, unasked
    assert ends == [False, False, True]
    with pytest.raises(ResetNeeded, match=r"Lanes \[1\] ended"):
        envs.step(np.zeros((1, 2)), 1)
    envs.reset()
    envs.step(np.zeros((3, 2)))


def test_a_lane_steps_alone_through_many_ends_of_the_others() -> None:
    envs = dreams(3, max_episode_steps=2)
    envs.reset(seed=0)
    for _ in range(4):
        envs.step(np.zeros((1, 2)), 2)
        *_, truncated, _ = envs.step(np.zeros((1, 2)), 2)
        assert truncated.tolist() == [True]
        envs.reset(2)


def test_lanes_that_stepped_along_are_reset_only_where_they_ended() -> None:
    """While lane 2 steps alone, lane 0 ends after step 3 and takes a seed of its stream in step 4; lane 1 does not."""
    envs = dreams(3)
    envs.reset(seed=0)
    for _ in range(4):
        envs.step(np.zeros((1, 2)), 2)
    _, infos = envs.reset()
    streams = [np_random(lane)[0] for lane in range(3)]
    drawn = [[draw_seed(stream) for _ in range(2)] for stream in streams]
    assert [info["seed"] for info in infos] == [drawn[0][1], drawn[1][0], drawn[2][0]]


def test_seeding_begins_episodes_and_names_the_seeds() -> None:
    envs = dreams(2)
    assert envs.seed(3) == [[3], [4]]
    observations, *_ = envs.step(np.zeros((2, 2)))
    np.testing.assert_array_equal(observations, [frame_of(3, 1), frame_of(4, 1)])
    assert envs.seed([9, 5]) == [[9], [5]]
    samples = [space.sample() for space in envs.action_space]
    assert envs.seed([9, 5]) == [[9], [5]]
    np.testing.assert_array_equal([space.sample() for space in envs.action_space], samples)
    assert envs.seed() == [None, None]


def test_action_spaces_of_lanes_sample_apart() -> None:
    inner = DreamVectorEnv(FakeWorld(), 2, autoreset_mode="Disabled")
    inner.single_action_space.seed(0)
    first, second = (space.sample() for space in tianshou_vector_env(inner).action_space)
    assert (first != second).any()
