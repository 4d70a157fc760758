"""Claims about how the lanes of a vector environment end and are reset, worked out by hand."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

from tests.envs.fake_lanes import ACTIONS, DISABLED, NEXT_STEP, SAME_STEP, SEEDS, make, same, steps
from tests.envs.fake_world import BOX, FakeWorld, frame_of, reward_of
from vdworld.envs import DreamEnv, DreamVectorEnv

PAIR = spaces.Tuple([spaces.Discrete(2), BOX])
SPACES = [BOX, spaces.Discrete(2), spaces.Dict({"arm": BOX, "grip": spaces.Discrete(2)}), PAIR]


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("output", ["numpy", "torch"])
@pytest.mark.parametrize("space", [*SPACES, spaces.Dict({"both": PAIR})])
def test_infos_of_resets_and_steps_have_the_same_entries_one_per_lane(
    mode: AutoresetMode, output: str, space: spaces.Space
) -> None:
    envs = DreamVectorEnv(FakeWorld(space), 3, autoreset_mode=mode, output=output, with_uncertainty=True)
    _, infos = envs.reset(seed=list(SEEDS))
    keys = infos.keys()
    for _ in range(4):
        _, _, terminated, _, infos = envs.step(envs.action_space.sample())
        assert {key for key in infos if "final" not in key} == keys
        assert all(len(entry) == 3 for entry in _leaf_entries(infos))
        if mode is DISABLED and terminated.any():
            assert envs.reset(options={"reset_mask": np.asarray(terminated)})[1].keys() == keys


def _leaf_entries(infos: dict[str, Any]) -> list[Any]:
    return [leaf for entry in infos.values() for leaf in (_leaf_entries(entry) if isinstance(entry, dict) else [entry])]


@pytest.mark.parametrize("space", SPACES)
def test_a_batch_starts_again_from_the_context_in_its_own_info(space: spaces.Space) -> None:
    envs = DreamVectorEnv(FakeWorld(space), 3)
    envs.reset(seed=list(SEEDS))
    *_, infos = envs.step(envs.action_space.sample())
    options = {"frames": infos["context_frames"], "actions": infos["context_actions"]}
    _, again = envs.reset(options=options)
    for name in ("context_frames", "context_actions"):
        assert same({name: again[name]}, {name: infos[name]})


def test_in_next_step_mode_an_ended_lane_is_reset_one_step_later_whatever_its_action() -> None:
    envs = make(autoreset_mode=NEXT_STEP)
    envs.reset(seed=list(SEEDS))
    (*_, terminations, _, _) = steps(envs, 3)[-1]
    assert terminations.tolist() == [True, False, False]

    observations, rewards, terminations, truncations, infos = envs.step(ACTIONS)
    seed = int(infos["seed"][0])
    np.testing.assert_array_equal(observations[0], frame_of(seed, 0))
    np.testing.assert_array_equal(observations[1], frame_of(5, 4, 0.5))
    assert rewards.tolist() == [0.0, reward_of(4, 0.5), reward_of(4, 0.5)]
    assert terminations.tolist() == [False, True, False]
    assert not truncations.any()
    assert infos["seed"].tolist()[1:] == [5, 6]
    assert infos["continuation"].tolist() == [1.0, 0.0, 1 - 4 / 16]
    assert [infos["context_frames"][lane, -1, 0, 0, 0] for lane in range(3)] == [seed % 256, 5, 6]

    observations, *_ = envs.step(ACTIONS)
    np.testing.assert_array_equal(observations[0], frame_of(seed, 1, 0.5))


def test_in_same_step_mode_an_ended_lane_is_reset_at_once_and_its_end_is_in_the_info() -> None:
    envs = make(autoreset_mode=SAME_STEP)
    envs.reset(seed=list(SEEDS))
    observations, rewards, terminations, _, infos = steps(envs, 3)[-1]
    seed = int(infos["seed"][0])
    np.testing.assert_array_equal(observations[0], frame_of(seed, 0))
    assert rewards.tolist() == [reward_of(3, 0.5)] * 3
    assert terminations.tolist() == [True, False, False]
    assert infos["_final_obs"].tolist() == infos["_final_info"].tolist() == [True, False, False]
    np.testing.assert_array_equal(infos["final_obs"][0], frame_of(8, 3, 0.5))
    assert infos["final_obs"][1] is None
    assert infos["final_info"]["_continuation"].tolist() == [True, False, False]
    assert (infos["final_info"]["continuation"][0], infos["final_info"]["seed"][0]) == (0.0, 8)
    assert infos["continuation"].tolist() == [1.0, 1 - 3 / 16, 1 - 3 / 16]
    assert infos["seed"].tolist() == [seed, 5, 6]

    observations, *_ = envs.step(ACTIONS)
    np.testing.assert_array_equal(observations[0], frame_of(seed, 1, 0.5))
    np.testing.assert_array_equal(observations[2], frame_of(6, 4, 0.5))


def test_with_tensors_every_info_holds_the_final_observations_and_their_mask() -> None:
    envs = make(autoreset_mode=SAME_STEP, output="torch")
    _, infos = envs.reset(seed=list(SEEDS))
    for step, ended in enumerate(([False] * 3, [False] * 3, [True, False, False]), start=1):
        observations, *_, infos = envs.step(ACTIONS)
        assert infos["_final_obs"].tolist() == ended
        lanes = [0, 1, 2] if step < 3 else [1, 2]
        assert torch.equal(infos["final_obs"][lanes], observations[lanes])
    np.testing.assert_array_equal(infos["final_obs"][0].numpy(), frame_of(8, 3, 0.5))


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
    np.testing.assert_array_equal(observations, [frame_of(seed, 0), frame_of(5, 3, 0.5), frame_of(6, 3, 0.5)])
    assert infos["_seed"].tolist() == [True, False, False]
    observations, *_ = envs.step(ACTIONS)
    np.testing.assert_array_equal(observations, [frame_of(seed, 1, 0.5), frame_of(5, 4, 0.5), frame_of(6, 4, 0.5)])


def test_lanes_are_truncated_by_their_own_count() -> None:
    envs = make(autoreset_mode=NEXT_STEP, max_episode_steps=4)
    envs.reset(seed=list(SEEDS))
    ends = [(terminated.tolist(), truncated.tolist()) for _, _, terminated, truncated, _ in steps(envs, 5)]
    none = [False, False, False]
    assert ends[:2] == [(none, none), (none, none)]
    assert ends[2] == ([True, False, False], none)
    assert ends[3] == ([False, True, False], [False, True, True])  # both at once, as TimeLimit does
    assert ends[4] == (none, none)


def test_a_partial_reset_takes_the_seeds_of_its_lanes_and_restarts_their_count() -> None:
    envs = make(autoreset_mode=DISABLED, max_episode_steps=2)
    envs.reset(seed=list(SEEDS))
    envs.step(ACTIONS)
    observations, infos = envs.reset(seed=10, options={"reset_mask": np.array([False, False, True])})
    np.testing.assert_array_equal(observations, [frame_of(8, 1, 0.5), frame_of(5, 1, 0.5), frame_of(12, 0)])
    assert infos["seed"].tolist() == [0, 0, 12]
    *_, truncations, _ = envs.step(ACTIONS)
    assert truncations.tolist() == [True, True, False]


@pytest.mark.parametrize("mode", [NEXT_STEP, SAME_STEP])
@pytest.mark.parametrize("space", SPACES)
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


def test_lanes_start_from_given_clips_and_frames() -> None:
    envs = make()
    observations, _ = envs.reset(seed=1, options={"start_index": [4, 0, 2]})
    np.testing.assert_array_equal(observations, [frame_of(204, 0), frame_of(200, 0), frame_of(202, 0)])
    mask = np.array([False, True, False])
    clips = np.stack([frame_of(lane, 9)[None] for lane in (60, 61, 62)])
    observations, _ = envs.reset(seed=1, options={"frames": clips, "reset_mask": mask})
    np.testing.assert_array_equal(observations, [frame_of(204, 0), frame_of(61, 9), frame_of(202, 0)])
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
