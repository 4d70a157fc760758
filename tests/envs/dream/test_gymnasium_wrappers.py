"""Claims about Gymnasium's own wrappers: around dreams they do what they do around any environment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v3 as iio
import numpy as np
import pytest
import torch
from gymnasium import wrappers
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import vector

import vdworld  # noqa: F401  registers the environment
from tests.envs.fake_world import HEIGHT, WIDTH, FakeWorld, frame_of, reward_of
from vdworld.envs import DreamEnv, DreamVectorEnv

ID = "vdworld/Dream-v0"
STILL = np.zeros(2, dtype=np.float32)
NUM_LANES, LIMIT = 3, 4

VECTOR_WRAPPERS: dict[str, Callable[[VectorEnv], VectorEnv]] = {
    "ClipAction": vector.ClipAction,
    "ClipReward": partial(vector.ClipReward, min_reward=0.0, max_reward=15.0),
    "DictInfoToList": vector.DictInfoToList,
    "DtypeObservation": partial(vector.DtypeObservation, dtype=np.float32),
    "FlattenObservation": vector.FlattenObservation,
    "GrayscaleObservation": vector.GrayscaleObservation,
    "NormalizeObservation": vector.NormalizeObservation,
    "NormalizeReward": vector.NormalizeReward,
    "RecordEpisodeStatistics": vector.RecordEpisodeStatistics,
    "RescaleAction": partial(vector.RescaleAction, min_action=0.0, max_action=1.0),
    "ReshapeObservation": partial(vector.ReshapeObservation, shape=(HEIGHT * WIDTH, 3)),
    "ResizeObservation": partial(vector.ResizeObservation, shape=(8, 12)),
    "TransformReward": partial(vector.TransformReward, func=lambda reward: reward / 10),
}


def dreams(mode: AutoresetMode) -> VectorEnv:
    return DreamVectorEnv(FakeWorld(), NUM_LANES, max_episode_steps=LIMIT, autoreset_mode=mode)


def single_dreams(mode: AutoresetMode) -> VectorEnv:
    makers = [lambda: wrappers.TimeLimit(DreamEnv(FakeWorld()), LIMIT)] * NUM_LANES
    return SyncVectorEnv(makers, autoreset_mode=mode)


def play(envs: VectorEnv) -> list[Any]:
    """Step eleven times and return all observations, rewards and ends."""
    results: list[Any] = [envs.reset(seed=0)[0]]
    rng = np.random.default_rng(0)
    for _ in range(11):
        observations, rewards, terminated, truncated, _ = envs.step(
            rng.uniform(0, 1, (NUM_LANES, 2)).astype(np.float32)
        )
        results += [np.array(part) for part in (observations, rewards, terminated, truncated)]
    return results


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("name", list(VECTOR_WRAPPERS))
def test_vector_wrappers_do_with_dreams_what_they_do_with_a_sync_vector_env(name: str, mode: AutoresetMode) -> None:
    wrap = VECTOR_WRAPPERS[name]
    if mode is AutoresetMode.SAME_STEP and "Observation" in name:
        for envs in (dreams(mode), single_dreams(mode)):
            with pytest.raises(ValueError, match="Expected autoreset_mode to be NEXT_STEP or DISABLED"):
                wrap(envs)
        return
    ours, theirs = wrap(dreams(mode)), wrap(single_dreams(mode))
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    for one, other in zip(play(ours), play(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_statistics_count_episodes_of_dreams_as_of_a_sync_vector_env(mode: AutoresetMode) -> None:
    ours, theirs = (vector.RecordEpisodeStatistics(make(mode)) for make in (dreams, single_dreams))
    play(ours)
    play(theirs)
    assert ours.episode_count == theirs.episode_count > 3
    assert list(ours.return_queue) == list(theirs.return_queue)
    assert list(ours.length_queue) == list(theirs.length_queue)


def test_tensors_pass_through_array_conversion_to_wrappers_that_want_arrays() -> None:
    pytest.importorskip("array_api_compat")
    envs: Any = DreamVectorEnv(
        FakeWorld(), NUM_LANES, max_episode_steps=LIMIT, autoreset_mode=AutoresetMode.SAME_STEP, output="torch"
    )
    envs = vector.NormalizeReward(wrappers.vector.ArrayConversion(envs, env_xp=torch, target_xp=np))
    expected = play(vector.NormalizeReward(dreams(AutoresetMode.SAME_STEP)))
    for one, other in zip(play(envs), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_rewards_of_a_dream_are_normalized() -> None:
    env = wrappers.NormalizeReward(gym.make(ID, world=FakeWorld()))
    env.reset(seed=3)
    rewards = [float(env.step(STILL)[1]) for _ in range(3)]
    assert [reward_of(i, 0.0) for i in (1, 2, 3)] == [10, 20, 30]
    assert rewards != [10, 20, 30]
    assert env.return_rms.count > 0


def test_an_episode_of_a_dream_is_recorded_as_a_video(tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    env: Any = gym.make(ID, world=_large(), render_mode="rgb_array", max_episode_steps=3)
    env = wrappers.RecordVideo(env, str(tmp_path), episode_trigger=lambda episode: True, fps=5)
    env.reset(seed=3)
    for _ in range(3):
        env.step(STILL)
    env.close()
    (video,) = tmp_path.glob("*.mp4")
    frames = iio.imread(video, plugin="pyav")
    assert len(frames) == 4
    for count, frame in enumerate(frames):
        assert np.abs(frame.mean(axis=(0, 1)) - frame_of(3, count)[0, 0]).max() < 8  # the video's colours are rounded


def test_a_batch_of_dreams_is_recorded_side_by_side(tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    envs = DreamVectorEnv(_large(), 2, render_mode="rgb_array", max_episode_steps=3)
    recorded = vector.RecordVideo(envs, str(tmp_path), step_trigger=lambda step: step == 0, video_length=3, fps=5)
    recorded.reset(seed=3)
    for _ in range(4):
        recorded.step(np.zeros((2, 2), np.float32))
    recorded.close()
    assert len(list(tmp_path.glob("*.mp4"))) == 1


def test_dreams_of_a_batch_are_shown_in_one_window() -> None:
    pygame = pytest.importorskip("pygame")
    envs = vector.HumanRendering(DreamVectorEnv(_large(), 2, render_mode="rgb_array"), screen_size=(64, 32))
    envs.reset(seed=3)
    envs.step(np.zeros((2, 2), np.float32))
    assert pygame.display.get_surface() is not None
    envs.close()


def _large() -> FakeWorld:
    """A world whose frames are large enough for video codecs."""
    world = FakeWorld()
    world.image_size = (32, 32)
    world._frame = lambda seed, count, action: FakeWorld._frame(world, seed, count, action)[:, :1, :1].expand(3, 32, 32)
    return world
