"""Claims about one dream as an environment, on a world whose dreams are known exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.error import InvalidAction, ResetNeeded, UnsupportedMode

from tests.envs.fake_world import BOX, CONTEXT, HEIGHT, WIDTH, FakeWorld, frame_of, length, reward_of
from tests.envs.random_world import random_world
from vdworld.envs import DreamEnv
from vdworld.world import Rollout

ACTION = np.array([0.5, -1.0], dtype=np.float32)


def run(env: DreamEnv, num_steps: int) -> list[tuple[Any, ...]]:
    return [env.step(ACTION)[:3] for _ in range(num_steps)]


def test_an_episode_is_the_one_that_the_world_imagines() -> None:
    env = DreamEnv(FakeWorld())
    observation, _ = env.reset(seed=5)
    np.testing.assert_array_equal(observation, frame_of(5, 0))
    for count in range(1, length(5) + 1):
        observation, reward, terminated, truncated, info = env.step(ACTION)
        np.testing.assert_array_equal(observation, frame_of(5, count, 0.5))
        assert reward == reward_of(count, 0.5)
        assert (terminated, truncated) == (count == length(5), False)
        assert (info["continuation"], info["seed"]) == (0.0 if terminated else 1 - count / 16, 5)
        np.testing.assert_array_equal(info["context_frames"][-1], frame_of(5, 0))


def test_results_are_of_the_types_that_gymnasium_asks_for() -> None:
    env = DreamEnv(FakeWorld())
    env.reset(seed=1)
    observation, reward, terminated, truncated, info = env.step(ACTION)
    assert isinstance(observation, np.ndarray)
    assert observation.dtype == np.uint8
    assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)
    assert type(info["continuation"]) is float


def test_the_spaces_are_those_of_the_world() -> None:
    env = DreamEnv(FakeWorld())
    assert env.observation_space == spaces.Box(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    assert env.action_space == BOX
    assert env.metadata["render_fps"] == 12.5
    assert DreamEnv.metadata["render_fps"] == 10


def test_two_environments_over_one_world_sample_their_own_actions() -> None:
    world = FakeWorld()
    first, second = DreamEnv(world), DreamEnv(world)
    first.action_space.seed(0)
    expected = [first.action_space.sample() for _ in range(2)]
    first.action_space.seed(0)
    assert np.array_equal(first.action_space.sample(), expected[0])
    second.action_space.sample()
    assert np.array_equal(first.action_space.sample(), expected[1])


def test_several_cameras_make_a_dict_and_are_rendered_side_by_side() -> None:
    env = DreamEnv(FakeWorld(cameras=("top", "wrist")), render_mode="rgb_array")
    observation, info = env.reset(seed=5)
    assert observation in env.observation_space
    np.testing.assert_array_equal(observation["wrist"], frame_of(5, 0, camera=1))
    assert info["context_frames"]["top"].shape == (CONTEXT, HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(env.render(), np.hstack([frame_of(5, 0), frame_of(5, 0, camera=1)]))


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (spaces.Discrete(3, start=-1), np.int64(1)),
        (spaces.MultiDiscrete([2, 3]), np.array([1, 2])),
        (spaces.Tuple([spaces.Discrete(2), BOX]), (1, ACTION)),
        (spaces.Dict({"arm": BOX, "grip": spaces.Discrete(2)}), {"arm": np.array([1.0, 0.0]), "grip": 1}),
    ],
)
def test_any_action_space_works(space: spaces.Space, action: Any) -> None:
    env = DreamEnv(FakeWorld(space))
    env.reset(seed=5)
    observation, reward, *_ = env.step(action)
    np.testing.assert_array_equal(observation, frame_of(5, 1, 1.0))
    assert reward == reward_of(1, 1.0)


def test_stepping_needs_a_running_episode() -> None:
    env = DreamEnv(FakeWorld())
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(ACTION)
    env.reset(seed=0)
    run(env, length(0))
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(ACTION)
    env.reset()
    env.step(ACTION)


@pytest.mark.parametrize("action", [np.zeros(3), None, "left", np.array([np.nan, 0.0])])
def test_an_action_outside_of_the_space_is_refused_with_space_and_value(action: Any) -> None:
    env = DreamEnv(FakeWorld())
    env.reset(seed=0)
    with pytest.raises(InvalidAction) as error:
        env.step(action)
    assert str(error.value) == f"`action` must lie in {BOX}, got {action!r}."
    np.testing.assert_array_equal(env.step(ACTION)[0], frame_of(0, 1, 0.5))


def test_an_action_beyond_the_bounds_is_clipped_or_refused_as_asked() -> None:
    clipping, strict = DreamEnv(FakeWorld()), DreamEnv(FakeWorld(), actions="strict")
    for env in (clipping, strict):
        env.reset(seed=0)
    observation, reward, *_ = clipping.step(np.array([1.5, 0.0]))
    np.testing.assert_array_equal(observation, frame_of(0, 1, 1.0))
    assert reward == reward_of(1, 1.0)
    with pytest.raises(InvalidAction, match="`action` must lie in"):
        strict.step(np.array([1.5, 0.0]))
    with pytest.raises(ValueError, match=r'`actions` must be "clip" or "strict", got \'loose\''):
        DreamEnv(FakeWorld(), actions="loose")


def test_past_actions_are_clipped_or_refused_as_steps_are() -> None:
    options = {"frames": np.zeros((2, HEIGHT, WIDTH, 3), np.uint8), "actions": np.array([[7.0, 0.5]])}
    _, info = DreamEnv(FakeWorld()).reset(seed=0, options=options)
    np.testing.assert_array_equal(info["context_actions"][-1], [1.0, 0.5])
    with pytest.raises(InvalidAction, match="`action` must lie in"):
        DreamEnv(FakeWorld(), actions="strict").reset(seed=0, options=options)


@pytest.mark.parametrize("seed", [2**63 - 1, 2**63, 2**64 + 5, 2**128 - 1])
def test_a_seed_may_be_of_any_size_and_the_info_repeats_its_episode(seed: int) -> None:
    env = DreamEnv(random_world())
    observation, info = env.reset(seed=seed)
    result = env.step(env.action_space.sample() * 0)[0]
    assert 0 <= info["seed"] < 2**63
    for repeated in (seed, info["seed"]):
        np.testing.assert_array_equal(env.reset(seed=repeated)[0], observation)
        np.testing.assert_array_equal(env.step(env.action_space.sample() * 0)[0], result)


def test_a_snapshot_restores_the_same_dream_any_number_of_times() -> None:
    env = DreamEnv(FakeWorld(), render_mode="rgb_array")
    env.reset(seed=2)
    run(env, 2)
    snapshot = env.get_state()
    run(env, 2)
    later_seeds = set()
    for _ in range(2):
        env.set_state(snapshot)
        np.testing.assert_array_equal(env.render(), frame_of(2, 2, 0.5))
        np.testing.assert_array_equal(env.step(ACTION)[0], frame_of(2, 3, 0.5))
        later_seeds.add(env.reset()[1]["seed"])
    assert len(later_seeds) == 1


def test_a_snapshot_of_an_ended_episode_is_still_ended() -> None:
    env = DreamEnv(FakeWorld())
    with pytest.raises(ResetNeeded):
        env.get_state()
    env.reset(seed=0)
    run(env, length(0))
    snapshot = env.get_state()
    env.reset()
    env.set_state(snapshot)
    with pytest.raises(ResetNeeded):
        env.step(ACTION)


def test_rendering_shows_the_current_frame_to_the_last_one() -> None:
    env = DreamEnv(FakeWorld(), render_mode="rgb_array")
    with pytest.raises(ResetNeeded):
        env.render()
    env.reset(seed=0)
    np.testing.assert_array_equal(env.render(), frame_of(0, 0))
    run(env, length(0))
    np.testing.assert_array_equal(env.render(), frame_of(0, length(0), 0.5))


def test_rendering_needs_a_known_mode() -> None:
    env = DreamEnv(FakeWorld())
    env.reset()
    with pytest.raises(UnsupportedMode, match="`render_mode`"):
        env.render()
    with pytest.raises(ValueError, match="`render_mode` must be None or one of"):
        DreamEnv(FakeWorld(), render_mode="ansi")


def test_returned_values_do_not_change_later() -> None:
    env = DreamEnv(FakeWorld(), render_mode="rgb_array")
    observation, info = env.reset(seed=3)
    picture = env.render()
    action = ACTION.copy()
    env.step(action)
    action[:] = 0
    np.testing.assert_array_equal(observation, frame_of(3, 0))
    np.testing.assert_array_equal(picture, frame_of(3, 0))
    np.testing.assert_array_equal(info["context_frames"][-1], frame_of(3, 0))


def test_the_number_of_sampling_steps_reaches_the_world() -> None:
    world = FakeWorld()
    for num_steps in (None, 4):
        env = DreamEnv(world, num_sampling_steps=num_steps)
        env.reset()
        env.step(ACTION)
    assert world.num_sampling_steps_log == [None, 4]
    with pytest.raises(ValueError, match="`num_sampling_steps` must be at least 1, got 0"):
        DreamEnv(world, num_sampling_steps=0)


def test_a_world_without_rewards_needs_a_reward_function() -> None:
    world = FakeWorld(has_reward=False)
    with pytest.raises(ValueError, match="`reward_function` must be given"):
        DreamEnv(world)

    def brightness(rollout: Rollout) -> torch.Tensor:
        return rollout.frames.mean(dim=(2, 3, 4))

    env = DreamEnv(world, reward_function=brightness)
    env.reset(seed=5)
    observation, reward, *_ = env.step(ACTION)
    assert reward == pytest.approx(observation.mean() / 127.5 - 1, abs=1e-6)


def test_a_reward_function_must_return_a_reward_per_lane_and_step() -> None:
    env = DreamEnv(FakeWorld(), reward_function=lambda rollout: rollout.rewards[:, 0])
    env.reset()
    with pytest.raises(ValueError, match=r"must return rewards of shape \(1, 1\) \(lanes, steps\), got \(1,\)"):
        env.step(ACTION)


def test_dreaming_leaves_no_graph_behind() -> None:
    world = FakeWorld()
    env = DreamEnv(world, reward_function=lambda rollout: rollout.rewards + world.anchor)
    env.reset(seed=0)
    env.step(ACTION)
    state = env.get_state().state
    assert state is not None
    assert not state.features.requires_grad
