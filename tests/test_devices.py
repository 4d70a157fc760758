"""What users do runs on a GPU too: ``-m gpu`` runs every test here on CUDA.

On the CPU the suite runs those of which other files do not train or search as much anyway; ``-m slow`` runs the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
import torch
from gymnasium.vector import AutoresetMode

import vdworld
from vdworld.benchmarks.gpu.clips import bounce_episodes, write_pictures
from vdworld.benchmarks.measured_world import fresh_world
from vdworld.data import Dataset
from vdworld.envs.dream.dream_vector_env import DreamVectorEnv
from vdworld.evaluation.prediction import predict
from vdworld.training.batch import ContextCorruption
from vdworld.training.self_forcing import SelfForcing
from vdworld.training.trainer_settings import Shortcut
from vdworld.world import Execution, WorldModel, WorldState
from vdworld.world.noise import hashed_normal, lane_key, lane_normal

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
NETWORKS: dict[str, dict[str, Any]] = {
    "StackedUNet": {"patch": 2, "width": 16, "coarse_width": 16, "coarse_depth": 1},
    "VideoUNet": {"patch": 2, "widths": (16, 16), "depth": 1, "coarse_depth": 1, "head_dim": 8},
    "Transformer": {"patch": 4, "width": 16, "depth": 2, "head_dim": 8},
}

on_every_device = pytest.mark.parametrize("device", DEVICES)
slow_on_the_cpu = pytest.mark.parametrize(
    "device", [pytest.param("cpu", marks=pytest.mark.slow), pytest.param("cuda", marks=pytest.mark.gpu)]
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("clips") / "bounce"
    return write_pictures(folder, bounce_episodes(), fps=10, action_space=gym.spaces.Discrete(3))


def small(network: str) -> dict[str, Any]:
    return {"_target_": f"vdworld.networks.{network}", **NETWORKS[network]}


def make_world(device: str, network: str = "StackedUNet") -> WorldModel:
    return fresh_world(image_size=16, network=small(network)).to(device)


def random_actions(world: WorldModel, *shape: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.rand(*shape, world.action_codec.dim, generator=rng) * 2 - 1


@on_every_device
@pytest.mark.parametrize("network", NETWORKS)
def test_a_world_dreams_where_it_lies(device: str, network: str) -> None:
    world = make_world(device, network)
    with torch.no_grad():
        rollout = world.rollout(
            world.sample_start(3), random_actions(world, 3, 4), with_features=True, with_uncertainty=True
        )
    parts = (rollout.frames, rollout.rewards, rollout.continuations, rollout.features, rollout.uncertainty)
    for part in (*parts, *rollout.state.tensors().values()):
        assert part is not None
        assert part.device.type == device
        assert part.isfinite().all()


@on_every_device
@pytest.mark.parametrize("network", NETWORKS)
def test_a_dream_repeats_in_the_same_shape(device: str, network: str) -> None:
    world = make_world(device, network)
    world.execution = Execution(precision="float32")
    with torch.no_grad():
        dreams = [world.rollout(world.sample_start(2, seed=5), random_actions(world, 2, 6)).frames for _ in range(3)]
    torch.testing.assert_close(dreams[1], dreams[0], rtol=0, atol=1e-4)
    torch.testing.assert_close(dreams[2], dreams[1], rtol=0, atol=0)


@on_every_device
def test_states_branch_and_travel(device: str) -> None:
    world = make_world(device)
    with torch.no_grad():
        state = world.sample_start(2).repeat(3, noise="independent")
        state, _ = world.step(state, random_actions(world, 6))
    picked = state[[0, 4]].replace(torch.tensor([True, False]), state[[1, 5]])
    back = WorldState.from_bytes(picked.to_bytes(), device=device)
    assert back.frames.device.type == device
    assert torch.equal(back.frames[0], state.frames[1])
    assert torch.equal(back.frames[1], state.frames[4])


@on_every_device
def test_gradients_reach_the_actions(device: str) -> None:
    world = make_world(device)
    actions = random_actions(world, 2, 3).to(device).requires_grad_()
    world.rollout(world.sample_start(2), actions, encoded=True, recompute=True).rewards.sum().backward()
    assert actions.grad is not None
    assert actions.grad.isfinite().all()


@on_every_device
def test_steps_may_mix_inference_mode_and_no_grad(device: str) -> None:
    world = make_world(device)
    frames = []
    for mode in (torch.inference_mode, torch.inference_mode, torch.no_grad, torch.inference_mode):
        with mode():
            frames.append(world.rollout(world.sample_start(2), random_actions(world, 2, 3)).frames.clone())
    for frame in frames[1:]:
        torch.testing.assert_close(frame, frames[0], rtol=0, atol=0.05)


@on_every_device
def test_hashed_noise_is_the_same_everywhere(device: str) -> None:
    seed, counter = torch.arange(4) + 2**40, torch.arange(4)
    there = hashed_normal(lane_key(seed.to(device), counter.to(device)), (3, 8, 8))
    torch.testing.assert_close(there.cpu(), hashed_normal(lane_key(seed, counter), (3, 8, 8)), rtol=0, atol=1e-4)
    assert lane_normal(seed.to(device), counter.to(device), (5,)).device.type == device


@slow_on_the_cpu
@pytest.mark.parametrize("network", NETWORKS)
def test_a_world_trains_is_measured_and_comes_back(device: str, network: str, dataset: Dataset, tmp_path: Path) -> None:
    settings = {"max_steps": 2, "batch_size": 4, "validate_every": 100, "unroll_after": 0.5, "num_rollout_gifs": 0}
    world = vdworld.train(dataset, network=small(network), device=device, output=tmp_path / "run", **settings)
    assert world.device.type == device
    assert all(parameter.isfinite().all() for parameter in world.parameters())
    prediction = predict(world, dataset.split("test"), num_clips=2, progress=False)
    assert prediction.scores["psnr"].shape == (2, prediction.horizon)
    again = WorldModel.from_pretrained(tmp_path / "run", device=device)
    assert again.device.type == device
    for name, weight in again.state_dict().items():
        assert torch.equal(weight, world.state_dict()[name]), name


@slow_on_the_cpu
def test_training_with_every_stage_runs(device: str, dataset: Dataset) -> None:
    world = vdworld.train(
        dataset,
        network=small("StackedUNet"),
        device=device,
        max_steps=6,
        batch_size=4,
        corruption=ContextCorruption(0.1, 0.2, 0.2, 0.1, 0.5),
        shortcut=Shortcut(share=0.5, after=0.0),
        self_forcing=SelfForcing(after=0.5, horizon=2),
    )
    with torch.no_grad():
        frames = world.rollout(world.sample_start(2), torch.zeros(2, 3, dtype=torch.long), num_sampling_steps=2).frames
    assert frames.isfinite().all()


@on_every_device
@pytest.mark.parametrize("output", ["torch", "numpy"])
def test_dreams_are_an_environment_there(device: str, output: str) -> None:
    world = make_world(device)
    envs = DreamVectorEnv(world, num_envs=3, max_episode_steps=2, output=output, autoreset_mode=AutoresetMode.SAME_STEP)
    envs.reset(seed=0)
    for _ in range(5):
        envs.step(envs.action_space.sample())
    envs.set_state(envs.get_state())
    observation, reward, terminated, truncated, _ = envs.step(envs.action_space.sample())
    if output == "torch":
        assert observation.device.type == reward.device.type == device
    assert len(observation) == len(reward) == len(terminated) == len(truncated) == 3


@slow_on_the_cpu
@pytest.mark.parametrize("objective", ["ppo", "reinforce"])
def test_a_policy_learns_in_dreams_there(device: str, objective: str) -> None:
    envs = DreamVectorEnv(
        make_world(device), num_envs=4, max_episode_steps=3, output="torch", autoreset_mode=AutoresetMode.SAME_STEP
    )
    policy = vdworld.agents.ActorCritic.learn(envs, num_steps=8, objective=objective)
    assert policy.device.type == device
    assert all(parameter.isfinite().all() for parameter in policy.network.parameters())


@slow_on_the_cpu
def test_planners_search_there(device: str) -> None:
    world, agents = make_world(device), vdworld.agents
    methods = [
        agents.CrossEntropy(horizon=3, num_candidates=8, num_iterations=2, num_elites=2),
        agents.GradientDescent(horizon=3, num_iterations=2),
    ]
    for method in methods:
        planner = agents.Planner(world, method, objective=agents.Return())
        planner.reset(seed=0)
        observation = torch.zeros(2, 3, 16, 16)
        for _ in range(3):
            assert len(planner.act(observation)) == 2
