"""Claims about where dreams begin: a dataset's clips, or the real environment; the frames show their step and sum."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import vdworld
from tests.envs.fake_world import FakeWorld
from tests.envs.real.test_wrappers import TwoCameras
from vdworld.data import Dataset
from vdworld.envs import DreamEnv, DreamVectorEnv, RememberContext, make_real
from vdworld.envs.games.scripted import CounterEnv
from vdworld.world import WorldModel

NETWORK = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "feature_dim": 16, "context_length": 3}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("counter") / "data"
    return vdworld.record(CounterEnv, path, num_steps=200, num_envs=1, progress=False, max_episode_steps=10)


@pytest.fixture(scope="module")
def world(dataset: Dataset) -> WorldModel:
    return vdworld.train(dataset, max_steps=1, batch_size=2, network=NETWORK, num_rollout_gifs=0, device="cpu")


def test_dreams_begin_with_clips_of_a_dataset(world: WorldModel, dataset: Dataset) -> None:
    test = dataset.split("test")
    recorded = {episode.frames["pixels"][t].tobytes() for episode in test for t in range(len(episode.actions))}
    envs = DreamVectorEnv(world, 64, starts=test)
    _, info = envs.reset(seed=0)
    lasts = {frame.tobytes() for frame in info["context_frames"][:, -1]}
    assert lasts <= recorded
    assert len(lasts) > 10
    for frames, actions, action_mask in zip(
        info["context_frames"], info["context_actions"], info["context_action_mask"], strict=True
    ):
        steps, taken = frames[:, 0, 0, 0].astype(int), frames[1:, 0, 0, 2]
        np.testing.assert_array_equal(np.diff(steps), action_mask)
        np.testing.assert_array_equal(taken[action_mask], actions[action_mask])


def test_a_folder_begins_like_its_dataset_and_a_lane_like_one_environment(world: WorldModel, dataset: Dataset) -> None:
    envs = DreamVectorEnv(world, 3, starts=dataset)
    observations, _ = envs.reset(seed=7)
    for lane in range(3):
        single, _ = DreamEnv(world, starts=str(dataset.path)).reset(seed=7 + lane)
        np.testing.assert_array_equal(single, observations[lane])


def test_a_start_index_picks_among_the_clips_of_the_dataset(world: WorldModel, dataset: Dataset) -> None:
    env = DreamEnv(world, starts=dataset)
    first, _ = env.reset(seed=1, options={"start_index": 3})
    again, _ = env.reset(seed=2, options={"start_index": 3})
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("given", [False, True])
def test_dreams_begin_as_the_real_environment_does(world: WorldModel, given: bool) -> None:
    real = make_real(CounterEnv)
    starts = real if given else vdworld.EnvironmentSpec("vdworld/TestCounter-v0")
    gym.register("vdworld/TestCounter-v0", lambda **_: CounterEnv())
    try:
        envs = DreamVectorEnv(world, 3, starts=starts)
    finally:
        del gym.registry["vdworld/TestCounter-v0"]
    observations, info = envs.reset(seed=[4, 5, 2**31 + 6])
    for observation, seed in zip(observations, (4, 5, 6), strict=True):
        np.testing.assert_array_equal(observation, CounterEnv().reset(seed=seed)[0])
    assert not info["context_action_mask"].any()
    with pytest.raises(ValueError, match="below 0, the number of start clips"):
        envs.reset(options={"start_index": np.zeros(3, int)})


def test_an_environment_that_was_handed_over_is_not_closed(world: WorldModel) -> None:
    closed: list[bool] = []

    class Closing(CounterEnv):
        def close(self) -> None:
            closed.append(True)

    DreamEnv(world, starts=make_real(Closing)).close()
    assert closed == []
    gym.register("vdworld/TestCounter-v0", lambda **_: Closing())
    try:
        DreamVectorEnv(world, 2, starts=vdworld.EnvironmentSpec("vdworld/TestCounter-v0")).close()
    finally:
        del gym.registry["vdworld/TestCounter-v0"]
    assert closed == [True]


def test_a_dream_continues_from_the_state_of_a_real_environment(world: WorldModel) -> None:
    real = RememberContext(gym.wrappers.TimeLimit(make_real(CounterEnv), 100), num_frames=world.context_length + 1)
    observation, _ = real.reset(seed=0)
    dream = DreamEnv(world)
    np.testing.assert_array_equal(dream.reset(options=real.context())[0], observation)
    for action in (1, 2, 3, 4, 0):
        observation, *_ = real.step(action)
    _, info = dream.reset(seed=1, options=real.context())
    np.testing.assert_array_equal(info["context_frames"][-1], observation)
    assert info["context_actions"].tolist()[-2:] == [4, 0]
    assert info["context_action_mask"].all()
    real.reset(seed=1)
    assert len(real.context()["frames"]) == 1


def test_what_can_not_be_remembered_is_refused() -> None:
    with pytest.raises(ValueError, match="`num_frames` must be at least 1, got 0"):
        RememberContext(make_real(CounterEnv), 0)
    with pytest.raises(ValueError, match=r"must have come from vdworld\.envs\.make_real"):
        RememberContext(CounterEnv(), 1)
    with pytest.raises(gym.error.ResetNeeded, match="call reset"):
        RememberContext(make_real(CounterEnv), 1).context()


def test_a_world_without_a_spec_refuses_starts_from_its_environment() -> None:
    with pytest.raises(ValueError, match="`starts` must not be 'real' for a world that does not know its environment"):
        DreamEnv(FakeWorld(), starts="real")


def test_starts_of_another_environment_are_refused(world: WorldModel, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must show the world's cameras"):
        DreamEnv(world, starts=make_real(TwoCameras))
    other = vdworld.record(
        lambda: gym.wrappers.TransformAction(CounterEnv(), lambda a: a, gym.spaces.Discrete(3)),
        tmp_path / "other",
        num_steps=20,
        num_envs=1,
        progress=False,
    )
    with pytest.raises(ValueError, match="`dataset` must hold actions in Discrete"):
        DreamEnv(world, starts=other)
