"""Claims about where and with which seed a dream begins, on a world whose dreams are known exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.envs.fake_world import CONTEXT, HEIGHT, WIDTH, FakeWorld, frame_of
from tests.envs.random_world import random_world
from vdworld.envs import DreamEnv, DreamVectorEnv

ACTION = np.array([0.5, -1.0], dtype=np.float32)


def test_the_info_of_reset_holds_the_context_and_a_seed_that_repeats_the_episode() -> None:
    env = DreamEnv(FakeWorld())
    env.reset(seed=5)
    observation, info = env.reset()
    assert info["context_frames"].shape == (CONTEXT, HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(info["context_frames"][-1], observation)
    assert info["context_actions"].shape == (CONTEXT - 1, 2)
    assert info["context_action_mask"].tolist() == [False, True]
    again, _ = DreamEnv(FakeWorld()).reset(seed=info["seed"])
    np.testing.assert_array_equal(again, observation)


def test_resets_without_a_seed_go_on_with_the_stream_of_the_last_seed() -> None:
    first, second = DreamEnv(FakeWorld()), DreamEnv(FakeWorld())
    seeds = [[env.reset(seed=5)[1]["seed"], env.reset()[1]["seed"], env.reset()[1]["seed"]] for env in (first, second)]
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 3
    assert first.reset()[1]["seed"] != DreamEnv(FakeWorld()).reset()[1]["seed"]


def test_a_start_index_picks_the_clip_and_the_seed_the_noise() -> None:
    env = DreamEnv(FakeWorld())
    observation, info = env.reset(seed=5, options={"start_index": 3})
    np.testing.assert_array_equal(observation, frame_of(203, 0))
    assert info["seed"] == 5


def test_a_dream_starts_from_given_frames() -> None:
    env = DreamEnv(FakeWorld())
    clip = np.stack([frame_of(9, 7), frame_of(9, 8)])
    observation, info = env.reset(seed=5, options={"frames": clip, "actions": ACTION[None]})
    np.testing.assert_array_equal(observation, clip[-1])
    np.testing.assert_array_equal(info["context_frames"], clip[[0, 0, 1]])
    np.testing.assert_array_equal(info["context_actions"][-1], ACTION)
    assert info["context_action_mask"].tolist() == [False, True]
    np.testing.assert_array_equal(env.step(ACTION)[0], frame_of(5, 1, 0.5))


def test_a_dream_starts_from_frames_by_camera_without_actions() -> None:
    env = DreamEnv(FakeWorld(cameras=("top", "wrist")))
    clip = {"top": frame_of(9, 7)[None], "wrist": torch.from_numpy(frame_of(9, 8)[None])}
    observation, info = env.reset(seed=5, options={"frames": clip, "actions": None})
    np.testing.assert_array_equal(observation["wrist"], frame_of(9, 8))
    assert not info["context_action_mask"].any()


def test_a_dream_starts_from_one_image() -> None:
    observation, info = DreamEnv(FakeWorld()).reset(seed=5, options={"frames": frame_of(9, 7)})
    np.testing.assert_array_equal(observation, frame_of(9, 7))
    np.testing.assert_array_equal(info["context_frames"], np.stack([frame_of(9, 7)] * CONTEXT))
    images = np.stack([frame_of(9, 7), frame_of(8, 6)])
    observations, _ = DreamVectorEnv(FakeWorld(), 2).reset(seed=5, options={"frames": images})
    np.testing.assert_array_equal(observations, images)


def test_lanes_may_have_pasts_of_different_lengths() -> None:
    envs = DreamVectorEnv(random_world(), 2)
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 16, 3), dtype=np.uint8)
    actions = np.full((2, 2, 2), 0.5, dtype=np.float32)
    options = {"frames": clips, "actions": actions, "lengths": np.array([3, 1])}
    _, info = envs.reset(seed=5, options=options)
    assert info["context_action_mask"].tolist() == [[True, True], [False, False]]
    np.testing.assert_array_equal(info["context_frames"][0], clips[0])
    np.testing.assert_array_equal(info["context_frames"][1], clips[1, [2, 2, 2]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frame": 1}, "`options` must hold only frames, actions, lengths, start_index, got frame"),
        ({"start_index": 5}, "`start_index` must be a whole number from 0 and below 5"),
        ({"start_index": 1.0}, "`start_index` must be a whole number"),
        ({"start_index": 1, "frames": frame_of(0, 0)[None]}, "`options` must hold one way to start"),
        ({"actions": ACTION[None]}, "`options` must hold frames beside actions"),
        ({"frames": frame_of(0, 0)[:, 0]}, r"`frames` must be uint8 \[1, k, 4, 6, 3\]"),
        ({"frames": frame_of(0, 0)[None] / 255.0}, "got torch.float64"),
        ({"frames": {"top": frame_of(0, 0)[None]}}, "`frames` must hold the cameras image, got top"),
    ],
)
def test_options_that_make_no_start_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DreamEnv(FakeWorld()).reset(options=options)
