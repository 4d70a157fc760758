"""Claims about what is read beside the frames: recorded, learnt, and observed in dreams as in reality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import vdworld
from tests.envs.real.test_wrappers import TwoCameras
from vdworld.data import ClipSampler, Dataset
from vdworld.envs import DreamEnv, DreamVectorEnv, FrameObservation, check_vector_env, make_real
from vdworld.envs.games.scripted import CounterEnv
from vdworld.training import encode
from vdworld.training.loss import outcome_loss
from vdworld.world import WorldModel

NETWORK = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "feature_dim": 16, "context_length": 3}
QUICK: dict[str, Any] = {"max_steps": 1, "batch_size": 2, "network": NETWORK, "num_rollout_gifs": 0, "device": "cpu"}
READINGS = ("info.sum", "info.doubled")  # the second is in the info of steps alone


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("counter") / "data"
    return vdworld.record(CounterEnv, path, num_steps=200, num_envs=1, progress=False, max_episode_steps=10)


@pytest.fixture(scope="module")
def world(dataset: Dataset) -> WorldModel:
    return vdworld.train(dataset, readings=READINGS, **QUICK)


def test_a_dataset_tells_what_can_be_read(dataset: Dataset) -> None:
    assert {name: dataset.readings[name] for name in READINGS} == {"info.sum": 1, "info.doubled": 1}
    assert not any("pixels" in name for name in dataset.readings)


def test_clips_hold_what_was_read_beside_their_target_frames(dataset: Dataset) -> None:
    sampler = ClipSampler(dataset, context_length=3, horizon=2, readings=READINGS)
    clips = sampler.spread(50, torch.Generator().manual_seed(0), whole=True)
    assert clips.readings.shape == (50, 2, 2)
    sums = clips.frames[:, 3:, 1, 0, 0].float()
    torch.testing.assert_close(clips.readings, torch.stack([sums, 2 * sums], dim=-1))


def test_an_unknown_reading_is_refused_by_name(dataset: Dataset) -> None:
    with pytest.raises(ValueError, match=r"`readings` must be among .*, got \['info.total'\]"):
        ClipSampler(dataset, context_length=3, horizon=2, readings=["info.total"])
    with pytest.raises(ValueError, match=r"`readings` must be among .*, got \['info.total'\]"):
        vdworld.train(dataset, readings=["info.total"], **QUICK)


def test_numbers_are_learnt_in_units_of_their_spread(world: WorldModel, dataset: Dataset) -> None:
    sums = np.concatenate([episode.state["info.sum"][:, 0] for episode in dataset.split("train")])
    assert world.heads.reading_offset[0] == pytest.approx(sums.mean())
    assert world.heads.reading_scale[0] == pytest.approx(sums.std())
    sampler = ClipSampler(dataset, context_length=world.context_length, horizon=1, readings=READINGS)
    clips = sampler.sample(4, torch.Generator().manual_seed(0))
    expected = (clips.readings[..., 0] - sums.mean()) / sums.std()
    torch.testing.assert_close(encode(world, clips).readings[..., 0], expected, rtol=1e-4, atol=1e-4)


def test_what_was_not_read_counts_nothing(world: WorldModel) -> None:
    features = torch.zeros(3, world.network.feature_dim)
    read, shares = world.heads(features)[2], torch.full((3,), 1 / 3)
    target = read + torch.tensor([[1.0, 2.0], [torch.nan, 0.0], [torch.nan, torch.nan]])
    loss = outcome_loss(world, features, torch.zeros(3), torch.ones(3), target, shares)["readings"]
    assert loss.item() == pytest.approx((1 + 4 + 0) / 3)
    loss = outcome_loss(world, features, torch.zeros(3), torch.ones(3), target * torch.nan, shares)["readings"]
    assert loss.item() == 0


def test_readings_travel_with_the_world(world: WorldModel, tmp_path: Path) -> None:
    world.save_pretrained(tmp_path)
    again = WorldModel.from_pretrained(tmp_path)
    assert again.readings == {"info.sum": 1, "info.doubled": 1}
    state = world.sample_start(3)
    for name, values in world.read(state.features).items():
        torch.testing.assert_close(again.read(state.features)[name], values)


def test_a_step_and_a_rollout_read_in_the_environments_units(world: WorldModel) -> None:
    _, outcome = world.step(world.sample_start(3), np.zeros(3, int))
    rollout = world.rollout(world.sample_start(3), np.zeros((3, 2), int))
    for i, name in enumerate(READINGS):
        values = outcome.readings[name]
        assert values.shape == (3, 1)
        torch.testing.assert_close(values, rollout.readings[name][:, 0])
        standardised = world.heads(outcome.features)[2][:, i : i + 1]
        expected = standardised * world.heads.reading_scale[i] + world.heads.reading_offset[i]
        torch.testing.assert_close(values, expected)


def test_dreams_observe_what_the_real_environment_does(world: WorldModel) -> None:
    real = FrameObservation(make_real(CounterEnv), world.readings)
    assert real.observation_space == DreamEnv(world).observation_space
    box = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    pixels = spaces.Box(0, 255, (8, 8, 3), np.uint8)
    assert real.observation_space == spaces.Dict({"pixels": pixels, "info.sum": box, "info.doubled": box})
    seen, _ = real.reset(seed=3)
    assert seen["info.sum"] == seen["pixels"][0, 0, 1]
    assert np.isnan(seen["info.doubled"]).all()
    seen, *_ = real.step(2)
    assert seen["info.doubled"] == 2 * seen["pixels"][0, 0, 1]


def test_readings_of_an_observation_keep_their_own_names() -> None:
    env = FrameObservation(make_real(TwoCameras), ["observation.speed"])
    assert list(env.observation_space.spaces) == ["speed", "top", "wrist"]  # pyright: ignore
    check_env(env, skip_render_check=True)
    with pytest.raises(ValueError, match=r"`readings` must be among .*, got \['observation.mass'\]"):
        FrameObservation(make_real(TwoCameras), ["observation.mass"])


def test_dreams_with_readings_keep_every_rule(world: WorldModel) -> None:
    for output in ("numpy", "torch"):
        envs = DreamVectorEnv(world, 2, max_episode_steps=3, autoreset_mode=AutoresetMode.SAME_STEP, output=output)
        check_vector_env(envs, strict=True, num_steps=5)


def test_dreams_with_readings_are_rendered_without_them(world: WorldModel) -> None:
    env = DreamEnv(world, render_mode="rgb_array")
    seen, _ = env.reset(seed=0)
    np.testing.assert_array_equal(env.render(), seen["pixels"])


def test_real_and_dreamt_lanes_run_in_one_vector_loop(world: WorldModel) -> None:
    def run(envs: gym.vector.VectorEnv) -> tuple[Any, Any]:
        envs.reset(seed=0)
        return envs.single_observation_space, envs.step(envs.action_space.sample())[0].keys()

    dream = DreamVectorEnv(world, 2)
    real = SyncVectorEnv([lambda: FrameObservation(make_real(CounterEnv), world.readings)] * 2)
    assert run(dream) == run(real)


def test_training_a_world_further_keeps_its_readings(world: WorldModel, dataset: Dataset) -> None:
    quick = {name: value for name, value in QUICK.items() if name != "network"}
    assert vdworld.train(dataset, world=world, **quick).readings == world.readings
    with pytest.raises(ValueError, match="`readings` must be those of the `world`"):
        vdworld.train(dataset, world=world, readings=["info.sum"], **quick)
