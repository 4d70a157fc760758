"""Claims about a batch of dreams as a vector environment, on a world whose dreams are known exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.error import InvalidAction, ResetNeeded, UnsupportedMode
from gymnasium.vector import AutoresetMode

from tests.envs.fake_lanes import ACTIONS, NEXT_STEP, SAME_STEP, SEEDS, make, same, steps
from tests.envs.fake_world import CONTEXT, HEIGHT, WIDTH, FakeWorld, frame_of, length, reward_of
from vdworld.envs import DreamEnv, DreamVectorEnv


def test_spaces_are_batched_and_the_mode_is_in_the_metadata_too() -> None:
    envs = make(autoreset_mode="SameStep")
    assert envs.observation_space.shape == (3, HEIGHT, WIDTH, 3)
    assert envs.action_space.shape == (3, 2)
    assert envs.metadata["autoreset_mode"] is envs.autoreset_mode is SAME_STEP
    assert DreamVectorEnv.metadata["autoreset_mode"] is NEXT_STEP
    assert envs.metadata["render_fps"] == 12.5


def test_every_lane_dreams_the_episode_of_its_seed() -> None:
    envs = make()
    observations, infos = envs.reset(seed=list(SEEDS))
    np.testing.assert_array_equal(observations, [frame_of(seed, 0) for seed in SEEDS])
    assert infos["seed"].tolist() == list(SEEDS)
    assert infos["context_frames"].shape[:2] == (3, CONTEXT)
    for count in (1, 2, 3):
        observations, rewards, terminations, truncations, infos = envs.step(ACTIONS)
        np.testing.assert_array_equal(observations, [frame_of(seed, count, 0.5) for seed in SEEDS])
        np.testing.assert_array_equal(rewards, np.array([reward_of(count, 0.5)] * 3, dtype=np.float32))
        np.testing.assert_array_equal(terminations, [count == length(seed) for seed in SEEDS])
        assert not truncations.any()
        assert infos["_continuation"].all()
    np.testing.assert_array_equal(infos["continuation"], np.array([0.0, 1 - 3 / 16, 1 - 3 / 16], dtype=np.float32))


@pytest.mark.parametrize("mode", [NEXT_STEP, SAME_STEP])
def test_a_lane_dreams_the_same_whoever_shares_its_batch(mode: AutoresetMode) -> None:
    def lane_zero(others: list[int]) -> list[Any]:
        envs = make(len(others) + 1, autoreset_mode=mode)
        envs.reset(seed=[5, *others])
        actions = np.full((envs.num_envs, 2), 0.5)
        return [[part[0] for part in envs.step(actions)[:4]] for _ in range(12)]

    for alone, shared in zip(lane_zero([]), lane_zero([0, 1, 2, 3]), strict=True):
        for a, b in zip(alone, shared, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("mode", [NEXT_STEP, SAME_STEP])
def test_a_snapshot_restores_all_lanes_with_their_counts_and_later_seeds(mode: AutoresetMode) -> None:
    envs = make(autoreset_mode=mode, max_episode_steps=5)
    envs.reset(seed=list(SEEDS))
    steps(envs, 3)
    snapshot = envs.get_state()
    expected = steps(envs, 12)
    for _ in range(2):
        envs.set_state(snapshot)
        assert all(same(a, b) for a, b in zip(steps(envs, 12), expected, strict=True))


def test_a_snapshot_of_other_lanes_is_refused() -> None:
    with pytest.raises(ResetNeeded):
        make().get_state()
    envs = make()
    envs.reset()
    with pytest.raises(ValueError, match="`snapshot` must hold 2 lanes, got 3"):
        make(2).set_state(envs.get_state())


@pytest.mark.parametrize("mode", [NEXT_STEP, SAME_STEP])
def test_tensors_hold_what_the_arrays_hold(mode: AutoresetMode) -> None:
    arrays = make(autoreset_mode=mode, max_episode_steps=5)
    tensors = make(autoreset_mode=mode, max_episode_steps=5, output="torch")
    results = [(arrays.reset(seed=3), tensors.reset(seed=3))]
    results += [(arrays.step(ACTIONS), tensors.step(torch.from_numpy(ACTIONS))) for _ in range(12)]
    for expected, result in results:
        ours, theirs = dict(result[-1]), dict(expected[-1])
        final, expected_final = ours.pop("final_obs", None), theirs.pop("final_obs", None)
        if expected_final is None and final is not None:  # with tensors, infos say in every step that no episode ended
            assert not ours.pop("_final_obs").any()
            assert not ours.pop("_final_info").any()
            assert ours.pop("final_info") == {}
        assert same(to_arrays((*result[:-1], ours)), (*expected[:-1], theirs))
        if final is not None and expected_final is not None:
            for lane in np.flatnonzero(theirs["_final_obs"]):
                np.testing.assert_array_equal(final[lane].numpy(), expected_final[lane])


def to_arrays(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: to_arrays(value) for key, value in tree.items()}
    return tuple(map(to_arrays, tree)) if isinstance(tree, tuple) else tree.numpy()


@pytest.mark.parametrize("output", ["numpy", "torch"])
def test_returned_values_do_not_change_later(output: str) -> None:
    envs = make(autoreset_mode=SAME_STEP, output=output)
    observations, infos = envs.reset(seed=list(SEEDS))
    kept = [observations, infos["context_frames"]]
    for observation, rewards, terminations, truncations, later in steps(envs, 4):
        kept += [observation, rewards, terminations, truncations, later["continuation"]]
    copies = [np.asarray(value).copy() for value in kept]
    steps(envs, 6)
    envs.reset()
    for value, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(np.asarray(value), copy)


def test_actions_outside_of_the_space_are_refused() -> None:
    envs = make()
    envs.reset(seed=0)
    for actions in (ACTIONS[:2], torch.full((3, 2), torch.nan)):
        with pytest.raises(InvalidAction, match="`action` must lie in"):
            envs.step(actions)
    np.testing.assert_array_equal(envs.step(ACTIONS)[0], [frame_of(seed, 1, 0.5) for seed in (0, 1, 2)])


def test_actions_beyond_the_bounds_are_clipped_or_refused_as_asked() -> None:
    clipping, strict = make(), make(actions="strict")
    for envs in (clipping, strict):
        envs.reset(seed=0)
    np.testing.assert_array_equal(clipping.step(ACTIONS + 1)[0], [frame_of(seed, 1, 1.0) for seed in (0, 1, 2)])
    with pytest.raises(InvalidAction, match="`action` must lie in"):
        strict.step(ACTIONS + 1)


def test_numbers_per_lane_have_the_dtypes_of_gymnasiums_vector_environments() -> None:
    envs = make(autoreset_mode=SAME_STEP)
    envs.reset(seed=list(SEEDS))
    _, rewards, terminated, truncated, infos = steps(envs, 3)[-1]
    assert (rewards.dtype, terminated.dtype, truncated.dtype) == (np.float64, np.bool_, np.bool_)
    assert (infos["continuation"].dtype, infos["seed"].dtype) == (np.float64, np.int64)
    assert infos["final_info"]["continuation"].dtype == np.float64


def test_seeds_of_any_size_begin_the_episodes_of_single_environments() -> None:
    envs = make()
    _, infos = envs.reset(seed=2**63 - 1)
    singles = [DreamEnv(FakeWorld()).reset(seed=2**63 - 1 + lane)[1]["seed"] for lane in range(3)]
    assert infos["seed"].tolist() == singles
    assert envs.reset(seed=[2**63 - 1, 2**63, 2**63 + 1])[1]["seed"].tolist() == singles


def test_rendering_gives_a_frame_per_lane() -> None:
    envs = make(render_mode="rgb_array")
    envs.reset(seed=list(SEEDS))
    envs.step(ACTIONS)
    frames = envs.render()
    assert isinstance(frames, tuple)
    np.testing.assert_array_equal(np.stack(frames), [frame_of(seed, 1, 0.5) for seed in SEEDS])
    with pytest.raises(UnsupportedMode):
        make().render()


@pytest.mark.parametrize(
    ("kwargs", "name"),
    [
        ({"num_envs": 0}, "num_envs"),
        ({"max_episode_steps": 0}, "max_episode_steps"),
        ({"output": "jax"}, "output"),
        ({"autoreset_mode": "Never"}, "autoreset_mode"),
        ({"render_mode": "ansi"}, "render_mode"),
    ],
)
def test_bad_settings_are_refused_by_name(kwargs: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must"):
        make(**kwargs)
