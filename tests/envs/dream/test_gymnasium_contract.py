"""Claims about what Gymnasium, its checker and its wrappers ask of an environment."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import vdworld  # noqa: F401  registers the environment
from tests.envs.fake_world import BOX, HEIGHT, WIDTH, FakeWorld, frame_of, reward_of
from tests.envs.random_world import random_world
from vdworld.envs import DreamEnv, DreamVectorEnv

ID = "vdworld/Dream-v0"
ADVICE = "we recommend using a symmetric and normalized space"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("safetensors")
    return str(random_world().save_pretrained(tmp_path_factory.mktemp("world")))


@pytest.mark.parametrize("space", [BOX, spaces.Discrete(2), spaces.Dict({"arm": BOX, "grip": spaces.Discrete(2)})])
@pytest.mark.parametrize("cameras", [("image",), ("top", "wrist")])
def test_gymnasiums_checker_has_nothing_to_say(space: spaces.Space, cameras: tuple[str, ...]) -> None:
    env = gym.make(ID, world=FakeWorld(space, cameras=cameras), render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_gymnasiums_checker_gives_only_its_advice_for_a_wide_box() -> None:
    world = FakeWorld(spaces.Box(0.0, 512.0, (2,), np.float32))
    env = gym.make(ID, world=world, render_mode="rgb_array")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped)
    assert len(caught) == 1
    assert ADVICE in str(caught[0].message)


def test_gymnasiums_checker_accepts_a_world_from_a_folder(folder: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(ID, world=folder, render_mode="rgb_array").unwrapped)


def test_a_spec_written_as_json_makes_the_environment_again(folder: str) -> None:
    env = gym.make(ID, world=folder, max_episode_steps=7, render_mode="rgb_array", num_sampling_steps=2)
    assert env.spec is not None
    text = env.spec.to_json()
    assert json.loads(text)["kwargs"]["world"] == folder
    again = gym.make(EnvSpec.from_json(text))
    np.testing.assert_array_equal(again.reset(seed=1)[0], env.reset(seed=1)[0])
    assert again.spec == env.spec


def test_a_batchs_spec_is_json_whatever_types_its_arguments_had(folder: str) -> None:
    arguments: dict[str, Any] = {"world": Path(folder), "device": torch.device("cpu")}
    envs = gym.make_vec(ID, num_envs=2, autoreset_mode=AutoresetMode.SAME_STEP, starts=None, **arguments)
    single = gym.make(ID, world=Path(folder), device=torch.device("cpu"))
    assert envs.spec is not None
    assert single.spec is not None
    again = gym.make_vec(EnvSpec.from_json(envs.spec.to_json()))
    assert again.unwrapped.num_envs == 2
    assert again.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    np.testing.assert_array_equal(again.reset(seed=1)[0], envs.reset(seed=1)[0])
    gym.make(EnvSpec.from_json(single.spec.to_json())).reset(seed=1)


def test_environments_of_one_folder_share_the_world(folder: str) -> None:
    first, second = (gym.make(ID, world=folder) for _ in range(2))
    envs = gym.make_vec(ID, num_envs=2, world=folder)
    assert isinstance(first.unwrapped, DreamEnv)
    assert isinstance(second.unwrapped, DreamEnv)
    assert isinstance(envs.unwrapped, DreamVectorEnv)
    assert first.unwrapped.world is second.unwrapped.world is envs.unwrapped.world


def test_the_time_limit_truncates_and_the_statistics_add_up() -> None:
    env = gym.wrappers.RecordEpisodeStatistics(gym.make(ID, world=FakeWorld(), max_episode_steps=2))
    env.reset(seed=3)
    action = np.array([0.5, 0.0], dtype=np.float32)
    *_, terminated, truncated, _ = env.step(action)
    assert (terminated, truncated) == (False, False)
    *_, terminated, truncated, info = env.step(action)
    assert (terminated, truncated) == (False, True)
    assert info["episode"]["r"] == reward_of(1, 0.5) + reward_of(2, 0.5)
    assert info["episode"]["l"] == 2


def test_frames_are_collected_in_list_mode() -> None:
    env: Any = gym.make(ID, world=FakeWorld(), render_mode="rgb_array_list")
    env.reset(seed=3)
    env.step(np.zeros(2, dtype=np.float32))
    np.testing.assert_array_equal(np.stack(env.render()), [frame_of(3, 0), frame_of(3, 1)])


def test_frames_stack_and_shrink_under_the_usual_wrappers() -> None:
    env: Any = gym.make(ID, world=FakeWorld())
    stacked = gym.wrappers.FrameStackObservation(gym.wrappers.FlattenObservation(env), 2)
    observation, _ = stacked.reset(seed=3)
    assert observation.shape == (2, HEIGHT * WIDTH * 3)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_make_vec_makes_a_batch_in_every_mode_without_a_warning(mode: AutoresetMode) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        envs = gym.make_vec(ID, num_envs=3, world=FakeWorld(), autoreset_mode=mode, max_episode_steps=9)
    assert isinstance(envs.unwrapped, DreamVectorEnv)
    assert envs.unwrapped.max_episode_steps == 9
    assert envs.metadata["autoreset_mode"] is mode
    assert envs.spec is not None
    assert envs.spec.id == ID
    envs.reset(seed=0)
    envs.step(envs.action_space.sample())
    envs.close()
    envs.close()


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_the_vector_statistics_add_up_over_several_episodes(mode: AutoresetMode) -> None:
    envs: Any = gym.make_vec(ID, num_envs=3, world=FakeWorld(), autoreset_mode=mode, max_episode_steps=3)
    envs = gym.wrappers.vector.RecordEpisodeStatistics(envs)
    envs.reset(seed=0)
    for _ in range(8):
        envs.step(np.zeros((3, 2), dtype=np.float32))
    assert set(envs.length_queue) == {3}
    assert set(envs.return_queue) == {60.0}
    assert envs.episode_count == 6


def test_the_statistics_see_a_reset_mask_that_the_environment_read_too() -> None:
    envs: Any = gym.make_vec(ID, num_envs=2, world=FakeWorld(), autoreset_mode=AutoresetMode.DISABLED)
    envs = gym.wrappers.vector.RecordEpisodeStatistics(envs)
    envs.reset(seed=0)
    envs.step(np.zeros((2, 2), dtype=np.float32))
    envs.reset(options={"reset_mask": np.array([True, False])})
    assert envs.episode_lengths.tolist() == [0, 1]


@pytest.mark.skipif(not importlib.util.find_spec("array_api_compat"), reason="needs gymnasium[array-api]")
def test_array_conversion_turns_the_tensors_into_arrays_for_other_wrappers() -> None:
    envs: Any = gym.make_vec(
        ID, num_envs=3, world=FakeWorld(), autoreset_mode=AutoresetMode.SAME_STEP, max_episode_steps=3, output="torch"
    )
    envs = gym.wrappers.vector.ArrayConversion(envs, env_xp=torch, target_xp=np)
    envs = gym.wrappers.vector.RecordEpisodeStatistics(envs)
    envs.reset(seed=0)
    results = [envs.step(np.zeros((3, 2), dtype=np.float32)) for _ in range(3)]
    assert isinstance(results[-1][0], np.ndarray)
    assert set(envs.return_queue) == {60.0}


def test_gymnasiums_own_vectors_take_the_environment() -> None:
    envs = gym.make_vec(ID, num_envs=2, vectorization_mode="sync", world=FakeWorld(), max_episode_steps=2)
    observations, _ = envs.reset(seed=4)
    np.testing.assert_array_equal(observations, [frame_of(4, 0), frame_of(5, 0)])


def test_a_folder_without_a_world_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "nowhere")):
        gym.make(ID, world=str(tmp_path / "nowhere"))
