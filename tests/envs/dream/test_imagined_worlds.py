"""Claims about environments over a real world model, small and with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

import vdworld  # noqa: F401  registers the environment
from tests.envs.random_world import BOX, CONTEXT, NUM_CLIPS, SIZE, random_world
from vdworld.envs import DreamEnv, DreamVectorEnv
from vdworld.world import WorldModel

NUM_STEPS = 10


@pytest.fixture(scope="module")
def world() -> WorldModel:
    return random_world()


def actions(num_envs: int, seed: int = 0) -> np.ndarray:
    """Return actions ``[NUM_STEPS, num_envs, 2]``; a lane's do not depend on the number of lanes."""
    lanes = [np.random.default_rng((seed, lane)).uniform(-1, 1, (NUM_STEPS, 2)) for lane in range(num_envs)]
    return np.stack(lanes, axis=1).astype(np.float32)


def dream(envs: DreamVectorEnv, num_steps: int = NUM_STEPS) -> list[tuple[np.ndarray, ...]]:
    """Return what the lanes see, earn and whether they end, over some steps."""
    return [envs.step(batch)[:4] for batch in actions(envs.num_envs)[:num_steps]]


def dreams_equal(first: Any, second: Any) -> bool:
    return all(
        np.array_equal(a, b) for one, two in zip(first, second, strict=True) for a, b in zip(one, two, strict=True)
    )


def test_the_same_seeds_dream_the_same_bit_for_bit_and_others_do_not(world: WorldModel) -> None:
    def run(seed: int) -> list[tuple[np.ndarray, ...]]:
        envs = DreamVectorEnv(world, 3, autoreset_mode=AutoresetMode.SAME_STEP)
        envs.reset(seed=seed)
        return dream(envs)

    torch.manual_seed(0)
    first = run(1)
    torch.manual_seed(1)
    assert dreams_equal(run(1), first)
    assert not dreams_equal(run(2), first)
    assert any(terminations.any() for _, _, terminations, _ in first)


def test_a_lane_dreams_alone_what_it_dreams_in_a_batch_to_a_grey_level(world: WorldModel) -> None:
    envs = DreamVectorEnv(world, 4, autoreset_mode=AutoresetMode.SAME_STEP)
    together, infos = envs.reset(seed=7)
    env = DreamEnv(world)
    for lane in range(4):
        alone, info = env.reset(seed=7 + lane)
        np.testing.assert_array_equal(together[lane], alone)
        np.testing.assert_array_equal(infos["context_frames"][lane], info["context_frames"])
    env.reset(seed=7)
    for batch in actions(4):
        frames, rewards, terminations, _, step_infos = envs.step(batch)
        alone, reward, terminated, _, info = env.step(batch[0])
        final = step_infos["final_obs"][0] if terminations[0] else frames[0]
        assert np.abs(final.astype(int) - alone).max() <= 1
        assert terminated == terminations[0]
        assert reward == pytest.approx(rewards[0], abs=1e-2)
        if terminated:
            env.reset()


def test_frames_rewards_and_ends_are_aligned(world: WorldModel) -> None:
    envs = DreamVectorEnv(world, 8, autoreset_mode=AutoresetMode.NEXT_STEP)
    observations, _ = envs.reset(seed=0)
    assert observations in envs.observation_space
    for batch in actions(8):
        observations, rewards, _, truncations, infos = envs.step(batch)
        assert observations in envs.observation_space
        assert np.isfinite(rewards).all()
        assert not truncations.any()
        assert ((infos["continuation"] >= 0) & (infos["continuation"] <= 1)).all()


def test_a_snapshot_dreams_the_same_future_again(world: WorldModel) -> None:
    envs = DreamVectorEnv(world, 3, autoreset_mode=AutoresetMode.SAME_STEP, max_episode_steps=4)
    envs.reset(seed=1)
    dream(envs, 3)
    snapshot = envs.get_state()
    future = dream(envs)
    envs.set_state(snapshot)
    assert dreams_equal(dream(envs), future)


def test_start_clips_are_shown_as_stored(world: WorldModel) -> None:
    assert world.starts is not None
    env = DreamEnv(world)
    for index in range(NUM_CLIPS):
        observation, info = env.reset(options={"start_index": index})
        clip = world.starts.frames[index].movedim(1, -1).numpy()
        np.testing.assert_array_equal(info["context_frames"], clip)
        np.testing.assert_array_equal(observation, clip[-1])
        assert info["context_action_mask"].tolist() == [index > 0] * (CONTEXT - 1)


def test_given_frames_and_actions_become_the_context(world: WorldModel) -> None:
    clip = np.random.default_rng(0).integers(0, 256, (CONTEXT, *SIZE, 3), dtype=np.uint8)
    between = actions(1)[: CONTEXT - 1, 0]
    _, info = DreamEnv(world).reset(options={"frames": clip, "actions": between})
    np.testing.assert_array_equal(info["context_frames"], clip)
    np.testing.assert_allclose(info["context_actions"], between, atol=1e-6)
    _, info = DreamEnv(world).reset(options={"frames": clip[-1:]})
    np.testing.assert_array_equal(info["context_frames"], clip[[-1] * CONTEXT])
    assert not info["context_action_mask"].any()


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(3, start=1),
        spaces.MultiBinary(3),
        spaces.MultiDiscrete([2, 3]),
        spaces.Dict({"arm": BOX, "grip": spaces.Discrete(2)}),
        spaces.Tuple([BOX, spaces.Discrete(2)]),
    ],
)
def test_any_action_space_and_several_cameras_work_alone_and_in_a_batch(space: spaces.Space) -> None:
    world = random_world(space, cameras=("top", "wrist"))
    env: Any = gym.make("vdworld/Dream-v0", world=world, max_episode_steps=3)
    env.reset(seed=0)
    env.action_space.seed(0)
    observation, *_ = env.step(env.action_space.sample())
    assert observation in env.observation_space
    for output in ("numpy", "torch"):
        envs: Any = gym.make_vec("vdworld/Dream-v0", num_envs=2, world=world, max_episode_steps=2, output=output)
        envs.reset(seed=0)
        envs.action_space.seed(0)
        results = [envs.step(envs.action_space.sample()) for _ in range(4)]
        assert results[-1][0]["wrist"].shape == (2, *SIZE, 3)


def test_a_saved_world_dreams_what_it_dreamt_in_memory(world: WorldModel, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    world.save_pretrained(tmp_path / "world")
    results = []
    for source in (world, str(tmp_path / "world")):
        envs: Any = gym.make_vec("vdworld/Dream-v0", num_envs=2, world=source, max_episode_steps=5)
        envs.reset(seed=3)
        results.append(dream(envs.unwrapped))
    assert dreams_equal(*results)
