"""Claims about a batch of dreams as a vector environment, on a world whose dreams are known by heart."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.error import InvalidAction, ResetNeeded, UnsupportedMode
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode

from tests.envs.fake_world import BOX, CONTEXT, HEIGHT, WIDTH, FakeWorld, length, rewarded, shown
from vdworld.envs import DreamEnv, DreamVectorEnv

NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED
ACTIONS = np.full((3, 2), 0.5, dtype=np.float32)
SEEDS = (8, 5, 6)  # episodes of 3, 4 and 5 steps


def make(num_envs: int = 3, **kwargs: Any) -> DreamVectorEnv:
    return DreamVectorEnv(FakeWorld(kwargs.pop("space", BOX)), num_envs, **kwargs)


def steps(envs: DreamVectorEnv, count: int) -> list[Any]:
    return [envs.step(ACTIONS) for _ in range(count)]


def test_spaces_are_batched_and_the_mode_is_told_twice() -> None:
    envs = make(autoreset_mode="SameStep")
    assert envs.observation_space.shape == (3, HEIGHT, WIDTH, 3)
    assert envs.action_space.shape == (3, 2)
    assert envs.metadata["autoreset_mode"] is envs.autoreset_mode is SAME_STEP
    assert DreamVectorEnv.metadata["autoreset_mode"] is NEXT_STEP
    assert envs.metadata["render_fps"] == 12.5


def test_every_lane_dreams_the_episode_of_its_seed() -> None:
    envs = make()
    observations, infos = envs.reset(seed=list(SEEDS))
    np.testing.assert_array_equal(observations, [shown(seed, 0) for seed in SEEDS])
    assert infos["seed"].tolist() == list(SEEDS)
    assert infos["context_frames"].shape[:2] == (3, CONTEXT)
    for count in (1, 2, 3):
        observations, rewards, terminations, truncations, infos = envs.step(ACTIONS)
        np.testing.assert_array_equal(observations, [shown(seed, count, 0.5) for seed in SEEDS])
        np.testing.assert_array_equal(rewards, np.array([rewarded(count, 0.5)] * 3, dtype=np.float32))
        np.testing.assert_array_equal(terminations, [count == length(seed) for seed in SEEDS])
        assert not truncations.any()
        assert infos["_continuation"].all()
    np.testing.assert_array_equal(infos["continuation"], np.array([0.0, 1 - 3 / 16, 1 - 3 / 16], dtype=np.float32))


def test_in_next_step_mode_an_ended_lane_begins_anew_one_step_later_whatever_its_action() -> None:
    envs = make(autoreset_mode=NEXT_STEP)
    envs.reset(seed=list(SEEDS))
    (*_, terminations, _, _) = steps(envs, 3)[-1]
    assert terminations.tolist() == [True, False, False]

    observations, rewards, terminations, truncations, infos = envs.step(ACTIONS)
    seed = int(infos["seed"][0])
    np.testing.assert_array_equal(observations[0], shown(seed, 0))
    np.testing.assert_array_equal(observations[1], shown(5, 4, 0.5))
    assert rewards.tolist() == [0.0, rewarded(4, 0.5), rewarded(4, 0.5)]
    assert terminations.tolist() == [False, True, False]
    assert not truncations.any()
    assert infos["_seed"].tolist() == [True, False, False]
    assert infos["_continuation"].tolist() == [False, True, True]
    assert infos["continuation"][0] == 0.0
    assert not infos["context_frames"][1:].any()

    observations, *_ = envs.step(ACTIONS)
    np.testing.assert_array_equal(observations[0], shown(seed, 1, 0.5))


def test_in_same_step_mode_an_ended_lane_begins_anew_at_once_and_tells_its_end_in_the_info() -> None:
    envs = make(autoreset_mode=SAME_STEP)
    envs.reset(seed=list(SEEDS))
    observations, rewards, terminations, _, infos = steps(envs, 3)[-1]
    seed = int(infos["seed"][0])
    np.testing.assert_array_equal(observations[0], shown(seed, 0))
    assert rewards.tolist() == [rewarded(3, 0.5)] * 3
    assert terminations.tolist() == [True, False, False]
    assert infos["_final_obs"].tolist() == infos["_final_info"].tolist() == [True, False, False]
    np.testing.assert_array_equal(infos["final_obs"][0], shown(8, 3, 0.5))
    assert infos["final_obs"][1] is None
    assert infos["final_info"]["_continuation"].tolist() == [True, False, False]
    assert infos["_continuation"].tolist() == [False, True, True]

    observations, *_ = envs.step(ACTIONS)
    np.testing.assert_array_equal(observations[0], shown(seed, 1, 0.5))
    np.testing.assert_array_equal(observations[2], shown(6, 4, 0.5))


def test_with_resets_disabled_an_ended_lane_must_be_reset_by_mask() -> None:
    envs = make(autoreset_mode=DISABLED)
    envs.reset(seed=list(SEEDS))
    steps(envs, 3)
    with pytest.raises(ResetNeeded, match="The episodes of lanes 0 are over"):
        envs.step(ACTIONS)
    options = {"reset_mask": np.array([True, False, False])}
    observations, infos = envs.reset(options=options)
    assert "reset_mask" in options
    seed = int(infos["seed"][0])
    np.testing.assert_array_equal(observations, [shown(seed, 0), shown(5, 3, 0.5), shown(6, 3, 0.5)])
    assert infos["_seed"].tolist() == [True, False, False]
    observations, *_ = envs.step(ACTIONS)
    np.testing.assert_array_equal(observations, [shown(seed, 1, 0.5), shown(5, 4, 0.5), shown(6, 4, 0.5)])


def test_lanes_are_truncated_by_their_own_count() -> None:
    envs = make(autoreset_mode=NEXT_STEP, max_episode_steps=4)
    envs.reset(seed=list(SEEDS))
    ends = [(terminated.tolist(), truncated.tolist()) for _, _, terminated, truncated, _ in steps(envs, 5)]
    none = [False, False, False]
    assert ends[:2] == [(none, none), (none, none)]
    assert ends[2] == ([True, False, False], none)
    assert ends[3] == ([False, True, False], [False, True, True])  # both at once, as TimeLimit does
    assert ends[4] == (none, none)


def test_a_partial_reset_takes_the_seeds_of_its_lanes_and_starts_their_count_anew() -> None:
    envs = make(autoreset_mode=DISABLED, max_episode_steps=2)
    envs.reset(seed=list(SEEDS))
    envs.step(ACTIONS)
    observations, infos = envs.reset(seed=10, options={"reset_mask": np.array([False, False, True])})
    np.testing.assert_array_equal(observations, [shown(8, 1, 0.5), shown(5, 1, 0.5), shown(12, 0)])
    assert infos["seed"].tolist() == [0, 0, 12]
    *_, truncations, _ = envs.step(ACTIONS)
    assert truncations.tolist() == [True, True, False]


@pytest.mark.parametrize("mode", [NEXT_STEP, SAME_STEP])
@pytest.mark.parametrize("space", [BOX, spaces.Discrete(2), spaces.Dict({"arm": BOX, "grip": spaces.Discrete(2)})])
def test_it_is_what_gymnasium_makes_of_single_environments(mode: AutoresetMode, space: spaces.Space) -> None:
    world = FakeWorld(space, cameras=("top", "wrist"))

    def single() -> gym.Env:
        return gym.wrappers.TimeLimit(DreamEnv(world), 5)

    ours = DreamVectorEnv(world, 3, max_episode_steps=5, autoreset_mode=mode)
    theirs = gym.vector.SyncVectorEnv([single] * 3, autoreset_mode=mode)
    theirs.action_space.seed(0)
    assert same(ours.reset(seed=3), theirs.reset(seed=3))
    for _ in range(16):
        actions = theirs.action_space.sample()
        assert same(ours.step(actions), theirs.step(actions))
    assert same(ours.reset(), theirs.reset())


def same(ours: Any, theirs: Any) -> bool:
    """Compare results of two vector environments in the same dtypes."""
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, tuple):
        return all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    if ours.dtype == object:
        return all(data_equivalence(a, b, exact=True) for a, b in zip(ours, theirs, strict=True))
    return bool(np.array_equal(ours, np.asarray(theirs).astype(ours.dtype)))


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
def test_a_snapshot_brings_all_lanes_back_with_their_counts_and_later_seeds(mode: AutoresetMode) -> None:
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
        assert same(to_arrays((*result[:-1], ours)), (*expected[:-1], theirs))
        if final is not None:
            for lane in np.flatnonzero(theirs["_final_obs"]):
                np.testing.assert_array_equal(final[lane].numpy(), expected_final[lane])


def to_arrays(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: to_arrays(value) for key, value in tree.items()}
    return tuple(map(to_arrays, tree)) if isinstance(tree, tuple) else tree.numpy()


@pytest.mark.parametrize("output", ["numpy", "torch"])
def test_what_was_handed_out_does_not_change_later(output: str) -> None:
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


def test_lanes_start_from_given_clips_and_frames() -> None:
    envs = make()
    observations, _ = envs.reset(seed=1, options={"start_index": [4, 0, 2]})
    np.testing.assert_array_equal(observations, [shown(204, 0), shown(200, 0), shown(202, 0)])
    mask = np.array([False, True, False])
    clips = np.stack([shown(lane, 9)[None] for lane in (60, 61, 62)])
    observations, _ = envs.reset(seed=1, options={"frames": clips, "reset_mask": mask})
    np.testing.assert_array_equal(observations, [shown(204, 0), shown(61, 9), shown(202, 0)])
    with pytest.raises(ValueError, match="`options` must hold a row for each of 3 lanes"):
        envs.reset(options={"start_index": 1})


@pytest.mark.parametrize("mask", [np.ones(2, dtype=bool), np.zeros(3, dtype=bool), np.ones(3), [True, True, True]])
def test_a_reset_mask_must_name_lanes(mask: Any) -> None:
    envs = make()
    envs.reset()
    with pytest.raises(ValueError, match="`reset_mask` must be a bool array of 3 lanes"):
        envs.reset(options={"reset_mask": mask})


def test_stepping_and_partial_resets_need_a_first_reset_of_all_lanes() -> None:
    envs = make(render_mode="rgb_array")
    with pytest.raises(ResetNeeded):
        envs.step(ACTIONS)
    with pytest.raises(ResetNeeded):
        envs.render()
    with pytest.raises(ResetNeeded, match="every lane"):
        envs.reset(options={"reset_mask": np.array([True, False, False])})


def test_actions_outside_of_the_space_are_refused() -> None:
    envs = make()
    envs.reset(seed=0)
    for actions in (ACTIONS[:2], ACTIONS + 1, torch.full((3, 2), torch.nan)):
        with pytest.raises(InvalidAction, match="`action` must lie in"):
            envs.step(actions)
    np.testing.assert_array_equal(envs.step(ACTIONS)[0], [shown(seed, 1, 0.5) for seed in (0, 1, 2)])


def test_rendering_gives_a_frame_per_lane() -> None:
    envs = make(render_mode="rgb_array")
    envs.reset(seed=list(SEEDS))
    envs.step(ACTIONS)
    frames = envs.render()
    assert isinstance(frames, tuple)
    np.testing.assert_array_equal(np.stack(frames), [shown(seed, 1, 0.5) for seed in SEEDS])
    with pytest.raises(UnsupportedMode):
        make().render()


@pytest.mark.parametrize(
    ("kwargs", "name"),
    [
        ({"num_envs": 0}, "num_envs"),
        ({"max_episode_steps": 0}, "max_episode_steps"),
        ({"output": "jax"}, "output"),
        ({"autoreset_mode": "Never"}, "autoreset_mode"),
        ({"render_mode": "human"}, "render_mode"),
    ],
)
def test_bad_settings_are_refused_by_name(kwargs: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must"):
        make(**kwargs)
