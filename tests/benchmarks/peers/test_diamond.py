"""DIAMOND as a world: actions and frames reach its code as it wants them, and its frames come back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from tests.benchmarks.peers.fake_diamond import write_checkout
from vdworld.benchmarks.peers import DiamondCode, DiamondWorld, diamond_training, train_diamond
from vdworld.benchmarks.peers.diamond_training import training_batch
from vdworld.data import ClipSampler
from vdworld.evaluation.prediction import predict
from vdworld.evaluation.world_protocol import World
from vdworld.metrics import PSNR_CEILING
from vdworld.spaces import ActionCodec


def world_of(code: DiamondCode, space: gym.Space, **settings) -> DiamondWorld:
    return DiamondWorld(code, codec=ActionCodec(space), image_size=(8, 8), **settings)


def fake(world: DiamondWorld) -> Any:
    """Return the fake checkout's denoiser, which remembers its batches and adds noise on request."""
    return world.denoiser


def frames_of(num_frames: int, num_lanes: int = 2) -> torch.Tensor:
    return torch.rand(num_lanes, num_frames, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def belt(code) -> DiamondWorld:
    return world_of(code, gym.spaces.Discrete(3))


def test_it_is_a_world(belt):
    assert isinstance(belt, World)
    assert belt.context_length == 4


def test_code_that_follows_the_rule_predicts_held_out_clips_exactly(code, belt_data):
    """Frames, and actions above all, are aligned: rolling by an action's neighbour would be wrong."""
    peer = DiamondWorld.for_dataset(code, belt_data)
    prediction = predict(peer, belt_data.split("test"))
    np.testing.assert_allclose(prediction.scores["psnr"], PSNR_CEILING, atol=1e-4)


def test_training_clips_follow_the_rule_too(code, belt_data):
    peer = DiamondWorld.for_dataset(code, belt_data)
    sampler = ClipSampler(belt_data.split("train"), context_length=4, horizon=2)
    batch = training_batch(peer, sampler.sample(64, torch.Generator().manual_seed(0)))
    assert batch.obs.shape[:2] == batch.mask_padding.shape == (64, 6)
    assert batch.act.shape == (64, 5)
    real = batch.mask_padding
    assert real[:, 3:5].all()  # the last frame of the context and the first target
    assert not real[:, 0].all()  # some clips begin before their episode
    assert not real[:, 5].all()  # and some end after it
    assert (batch.obs[~real] == 0).all()
    for lane in range(64):
        for t in range(5):
            if real[lane, t] and real[lane, t + 1]:
                rolled = batch.obs[lane, t].roll(int(batch.act[lane, t]) - 1, dims=-1)
                torch.testing.assert_close(batch.obs[lane, t + 1], rolled)
            else:
                assert batch.act[lane, t] == 0


def test_frames_beyond_its_own_four_change_nothing(belt):
    belt.context_length = 6
    frames, actions = frames_of(6), np.array([[0, 1, 2, 0, 1], [2, 2, 1, 0, 0]])
    long = belt.start(frames, actions, seed=[0, 1])
    short = belt.start(frames[:, 2:], actions[:, 2:], seed=[0, 1])
    assert torch.equal(long.frames, short.frames)
    assert torch.equal(long.actions, short.actions)
    assert long.actions.tolist() == [[2, 0, 1], [1, 0, 0]]


def test_the_choices_of_a_space_that_starts_elsewhere_count_from_zero(code):
    world = world_of(code, gym.spaces.Discrete(3, start=5))
    assert world.start(frames_of(4), np.full((2, 3), 7), seed=[0, 1]).actions.tolist() == [[2, 2, 2]] * 2


def test_unknown_actions_are_the_choice_that_it_pads_with(belt):
    assert belt.start(frames_of(4), seed=[0, 1]).actions.tolist() == [[0, 0, 0]] * 2


def test_a_rollout_has_a_frame_per_action_no_rewards_and_no_ends(belt):
    rollout = belt.rollout(belt.start(frames_of(4), seed=[0, 1]), np.zeros((2, 5), np.int64))
    assert rollout.frames.shape == (2, 5, 3, 8, 8)
    assert torch.equal(rollout.rewards, torch.zeros(2, 5))
    assert torch.equal(rollout.continuations, torch.ones(2, 5))
    assert not belt.has_reward


def test_a_dream_repeats_with_its_seed_and_leaves_the_global_stream_alone(belt):
    fake(belt).noise = 1.0
    states = [belt.start(frames_of(4), seed=[seed, seed + 1]) for seed in (5, 5, 6)]
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first, again, other = (belt.rollout(state, np.zeros((2, 2), np.int64)).frames for state in states)
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_it_samples_in_three_steps_by_default(belt):
    fake(belt).noise = 1.0  # the fake's noise grows with the number of steps
    state, action = belt.start(frames_of(4), seed=[0, 1]), np.ones((2, 1), np.int64)
    spread = [
        (belt.rollout(state, action, num_sampling_steps=steps).frames[:, 0] - state.frames[:, -1]).std()
        for steps in (1, 3, None)
    ]
    assert spread[1] == spread[2] == pytest.approx(3 * spread[0])


def test_a_compiled_sampler_is_compiled_once_and_its_frames_are_kept(code, monkeypatch):
    """As with CUDA graphs, every call writes its frame over the one before."""
    compiled = []

    def compile_like_a_graph(sample, mode):
        compiled.append(mode)
        output = torch.empty(2, 3, 8, 8)
        return lambda *inputs: (output.copy_(sample(*inputs)[0]), [])

    monkeypatch.setattr(torch, "compile", compile_like_a_graph)
    plain, fast = (world_of(code, gym.spaces.Discrete(3), compiled=flag) for flag in (False, True))
    actions = np.array([[0, 2, 2], [2, 1, 0]])
    first, again, expected = (
        world.rollout(world.start(frames_of(4), seed=[0, 1]), actions).frames for world in (fast, fast, plain)
    )
    assert torch.equal(first, expected)
    assert torch.equal(again, expected)
    assert compiled == ["reduce-overhead"]


def test_discrete_actions_keep_its_embedding(belt):
    embedding = fake(belt).inner_model.act_emb[0]
    assert (type(embedding), embedding.num_embeddings) == (torch.nn.Embedding, 3)


def test_other_actions_go_through_a_linear_layer_of_the_same_width(code):
    world = world_of(code, gym.spaces.Box(0.0, 512.0, (2,), np.float32))
    layer = fake(world).inner_model.act_emb[0]
    assert (layer.in_features, layer.out_features, layer.bias) == (2, 64, None)
    state = world.start(frames_of(4), np.full((2, 3, 2), (0.0, 512.0), np.float32), seed=[0, 1])
    assert state.actions.tolist() == [[[-1.0, 1.0]] * 3] * 2
    assert layer(state.actions).shape == (2, 3, 64)


def test_weights_depend_on_the_seed_and_leave_the_global_stream_alone(code):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    weights = [next(world_of(code, gym.spaces.Discrete(3), seed=seed).parameters()).detach() for seed in (1, 1, 2)]
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_training_takes_one_step_at_least_and_says_what_it_did(code, belt_data):
    peer = DiamondWorld.for_dataset(code, belt_data)
    train_diamond(peer, belt_data, minutes=1e-9, seed=4, progress=False)
    (batch,) = fake(peer).batches
    assert batch.obs.shape == (32, 6, 3, 16, 16)
    assert (peer.training_info["steps"], peer.training_info["seed"], peer.training_info["settings"]["max_minutes"]) == (
        1,
        4,
        1e-9,
    )
    train_split = belt_data.split("train")
    assert peer.training_info["dataset"] == {"episodes": len(train_split), "steps": train_split.num_steps}
    assert not peer.denoiser.training


def test_training_lasts_until_the_time_is_up_and_warms_up(code, belt_data, monkeypatch):
    ticks = iter(range(100))  # a clock on which every step takes a second
    monkeypatch.setattr(diamond_training, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    peer = DiamondWorld.for_dataset(code, belt_data)
    before = next(peer.parameters()).detach().clone()
    train_diamond(peer, belt_data, minutes=5 / 60, progress=False)
    assert len(fake(peer).batches) == peer.training_info["steps"] == 5
    assert peer.training_info["frames_per_second"] == 32 * 2
    moved = (next(peer.parameters()) - before).abs().max().item()
    assert 0 < moved <= 1.1 * 1e-4 * (0 + 1 + 2 + 3 + 4) / 100  # AdamW moves a weight by about the learning rate


def test_training_repeats_and_leaves_the_global_stream_alone(code, belt_data):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    batches = []
    for seed in (0, 0, 1):
        peer = DiamondWorld.for_dataset(code, belt_data)
        train_diamond(peer, belt_data, minutes=1e-9, seed=seed, progress=False)
        batches.append(fake(peer).batches[0].obs)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(batches[0], batches[1])
    assert not torch.equal(batches[0], batches[2])


def test_a_saved_peer_is_loaded_with_its_training_info(code, tmp_path):
    first, other = (world_of(code, gym.spaces.Discrete(3), seed=seed) for seed in (0, 1))
    first.training_info = {"steps": 3, "minutes": 0.5}
    first.save(tmp_path / "new" / "peer.safetensors")
    other.load(tmp_path / "new" / "peer.safetensors")
    assert other.training_info == first.training_info
    for name, value in first.denoiser.state_dict().items():
        assert torch.equal(other.denoiser.state_dict()[name], value)


def test_the_weights_of_another_network_are_refused(code, tmp_path):
    world_of(code, gym.spaces.Discrete(3)).save(tmp_path / "peer.safetensors")
    with pytest.raises(ValueError, match="holds the weights of another network"):
        world_of(code, gym.spaces.Discrete(4)).load(tmp_path / "peer.safetensors")


@pytest.mark.parametrize("checkout", [None, "nowhere"])
def test_without_a_checkout_it_says_what_to_clone(checkout, tmp_path):
    path = None if checkout is None else tmp_path / checkout
    with pytest.raises(ValueError, match=r"`peer` must be a folder .* git clone https://github.com/eloialonso/diamond"):
        DiamondCode.load(path)


def test_another_branch_is_refused(tmp_path):
    path = write_checkout(tmp_path) / "src" / "models" / "diffusion" / "__init__.py"
    path.write_text(path.read_text().replace("cond_channels: int", "cond_channels: int\n    is_upsampler: bool"))
    with pytest.raises(ValueError, match="`peer` must be on DIAMOND's branch main, got other code .*is_upsampler"):
        world_of(DiamondCode.load(tmp_path), gym.spaces.Discrete(3))


def test_numbers_out_of_range_are_named(code, belt, belt_data):
    with pytest.raises(ValueError, match="`context_length` must be at least 4, got 3"):
        world_of(code, gym.spaces.Discrete(3), context_length=3)
    with pytest.raises(ValueError, match="`frames` must hold at least 4 frames, got 3"):
        belt.start(frames_of(3), seed=[0, 1])
    with pytest.raises(ValueError, match="`minutes` must be positive, got 0"):
        train_diamond(belt, belt_data, minutes=0)
