from __future__ import annotations

from functools import partial

import gymnasium as gym
import numpy as np
import pytest

from vdworld import evaluation
from vdworld.evaluation.prediction import reachable_steps
from vdworld.metrics import PSNR_CEILING

predict = partial(evaluation.predict, num_clips=24, progress=False)


def test_a_world_that_copies_scores_exactly_like_copying(copying_world, belt_data) -> None:
    prediction = predict(copying_world, belt_data.split("test"), batch_size=7)
    np.testing.assert_array_equal(prediction.scores["psnr"], prediction.scores["copy_psnr"])
    np.testing.assert_array_equal(prediction.scores["moving_psnr"], prediction.scores["copy_moving_psnr"])
    assert prediction.difference("psnr", "copy_psnr", 5).mean == 0


def test_a_world_that_knows_the_physics_scores_the_ceiling_at_every_step(perfect_world, belt_data) -> None:
    """So frames, actions and rewards of every clip line up: one step off, and the belt would be wrong."""
    prediction = predict(perfect_world, belt_data.split("test"))
    np.testing.assert_allclose(prediction.scores["psnr"], PSNR_CEILING, atol=1e-4)
    moving = prediction.scores["moving_psnr"]
    np.testing.assert_allclose(moving[~np.isnan(moving)], PSNR_CEILING, atol=1e-4)
    assert np.nanmin(prediction.scores["sharpness"]) == pytest.approx(1)
    assert prediction.scores["reward_error"].max() == 0
    assert prediction.difference("moving_psnr", "copy_moving_psnr", 1).low > 10


def test_frames_in_which_nothing_moves_are_left_out_of_the_moving_score(copying_world, belt_data) -> None:
    prediction = predict(copying_world, belt_data.split("test"))
    still = np.isnan(prediction.scores["moving_psnr"])
    np.testing.assert_array_equal(still, prediction.scores["copy_psnr"] >= PSNR_CEILING - 1e-4)
    assert 0 < still[:, 0].sum() < prediction.num_clips
    assert prediction.interval("moving_psnr", 1).count == (~still[:, 0]).sum()


def test_the_reward_baseline_is_the_mean_of_the_clips(copying_world, belt_data) -> None:
    prediction = predict(copying_world, belt_data.split("test"))
    rate = prediction.scores["reward_error"].mean()  # a copy never gets home, so it errs by each reward
    assert prediction.scores["mean_reward_error"].mean() == pytest.approx(2 * rate * (1 - rate), rel=1e-5)


def test_ends_have_a_calibration_if_a_clip_ends(perfect_world, belt_data) -> None:
    prediction = predict(perfect_world, belt_data, steps=(1, 5), num_clips=80)
    assert prediction.calibration is not None
    assert prediction.calibration.num_events > 0
    assert prediction.calibration.brier == 0 < prediction.calibration.brier_of_rate


def test_ends_are_compared_as_often_as_episodes_end(copying_world, belt_data) -> None:
    """Every step after a full context is the first of a dream, and up to five that many dreams hold it."""
    calibration = predict(copying_world, belt_data, num_clips=1_000).calibration
    past, num_events, count = copying_world.context_length - 1, 0, 0
    for i in range(len(belt_data)):
        terminated = belt_data.transitions(i).terminated[past:]
        num_dreams = np.arange(1, len(terminated) + 1).clip(max=5)
        num_events, count = num_events + (num_dreams * terminated).sum(), count + num_dreams.sum()
    assert num_events > 0
    assert calibration is not None
    assert (calibration.num_events, calibration.count) == (num_events, count)


def test_pusht_never_ends_and_has_no_calibration(pusht_world, pusht_data) -> None:
    prediction = predict(pusht_world, pusht_data.split("test"), num_clips=6)
    assert prediction.calibration is None
    assert "reward_error" in prediction.scores


def test_a_world_without_rewards_has_no_reward_errors(make_world, belt_data) -> None:
    world = make_world(lambda frame, _: frame, has_reward=False)
    assert "reward_error" not in predict(world, belt_data.split("test")).scores


def test_only_held_out_episodes_are_used_and_each_once_first(copying_world, belt_data) -> None:
    held_out = belt_data.split("test")
    prediction = predict(copying_world, held_out, num_clips=4, steps=(1, 5))
    numbers = {entry.index for entry in held_out.entries}
    assert set(prediction.windows[:, 0].tolist()) <= numbers
    assert prediction.num_episodes == prediction.num_clips == 4


def test_the_same_seed_repeats_and_every_clip_has_its_own_stream(copying_world, belt_data) -> None:
    first, again = (predict(copying_world, belt_data, seed=5, num_clips=9) for _ in range(2))
    np.testing.assert_array_equal(first.windows, again.windows)
    np.testing.assert_array_equal(first.scores["psnr"], again.scores["psnr"])
    assert copying_world.seeds == [*range(5, 14)] * 4  # of frames and of ends


def test_examples_are_selected_by_rank_and_hold_the_clip_itself(perfect_world, belt_data) -> None:
    prediction = predict(perfect_world, belt_data.split("test"))
    for example in prediction.examples:
        assert len(example.context) == 3
        np.testing.assert_array_equal(example.real, example.imagined)
        episode = next(e for e in belt_data.split("test") if e.index == example.episode)
        frames = np.concatenate([example.context, example.real])
        first = example.step - 2
        np.testing.assert_array_equal(frames, episode.frames["pixels"][first : first + len(frames)])


def test_default_steps_follow_the_longest_episode() -> None:
    assert reachable_steps(None, 100) == (1, 5, 10, 20)
    assert reachable_steps(None, 12) == (1, 5, 10)
    assert reachable_steps((3, 2, 3), 12) == (2, 3)
    with pytest.raises(ValueError, match="`dataset` must hold an episode of 20 steps after the context"):
        reachable_steps((20,), 12)
    with pytest.raises(ValueError, match="`dataset` must hold an episode of 1 steps after the context"):
        reachable_steps(None, -1)
    with pytest.raises(ValueError, match="`steps` must be positive"):
        reachable_steps((0, 5), 12)


def test_another_action_space_is_refused(make_world, belt_data) -> None:
    world = make_world(lambda frame, _: frame, action_space=gym.spaces.Discrete(4))
    with pytest.raises(ValueError, match=r"`dataset` must have the world's action space, Discrete\(4\)"):
        predict(world, belt_data)
