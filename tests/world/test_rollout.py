from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vdworld.world import OutcomeHeads, Sampling, WorldModel, WorldState
from vdworld.world.context_noise import add_lane_noise
from vdworld.world.noise import lane_normal

Started = tuple[WorldModel, WorldState, torch.Tensor]


@pytest.fixture(params=["StackedUNet", "Transformer"])
def started(make_world: Callable[..., WorldModel], make_past: Callable, request: pytest.FixtureRequest) -> Started:
    """A world, three dreams in it and five actions for each, in -2..2."""
    world, (frames, actions) = make_world(network=request.param), make_past(k=6)
    return world, world.start(frames, actions, seed=11), actions


def test_a_rollout_is_its_steps(started: Started, assert_same_state: Callable) -> None:
    world, state, actions = started
    rollout = world.rollout(state, actions, num_sampling_steps=2, with_features=True, with_uncertainty=True)
    assert rollout.features is not None
    assert rollout.uncertainty is not None
    for t in range(5):
        state, outcome = world.step(state, actions[:, t], num_sampling_steps=2, with_uncertainty=True)
        assert torch.equal(rollout.frames[:, t], outcome.frame)
        assert torch.equal(rollout.rewards[:, t], outcome.reward)
        assert torch.equal(rollout.continuations[:, t], outcome.continuation)
        assert torch.equal(rollout.terminated[:, t], outcome.terminated)
        assert torch.equal(rollout.features[:, t], outcome.features)
        torch.testing.assert_close(rollout.uncertainty[:, t], outcome.uncertainty, rtol=0, atol=0)
    assert_same_state(rollout.state, state)


def test_a_rollout_has_the_readings_of_its_steps(started: Started) -> None:
    world, state, actions = started
    world.readings = {"place": 2, "speed": 1}
    world.heads = OutcomeHeads(world.network.feature_dim, reading_offset=[1.0, 2.0, 3.0], reading_scale=[1.0, 2.0, 4.0])
    torch.nn.init.normal_(world.heads.output.weight)
    rollout = world.rollout(state, actions, with_features=True)
    assert rollout.features is not None
    assert {name: value.shape for name, value in rollout.readings.items()} == {"place": (3, 5, 2), "speed": (3, 5, 1)}
    expected = world.heads.read(rollout.features.flatten(0, 1)).unflatten(0, (3, 5))
    torch.testing.assert_close(torch.cat([rollout.readings["place"], rollout.readings["speed"]], dim=-1), expected)
    for t in range(5):
        state, outcome = world.step(state, actions[:, t])
        torch.testing.assert_close(rollout.readings["place"][:, t], outcome.readings["place"])
        torch.testing.assert_close(rollout.readings["speed"][:, t], outcome.readings["speed"])


def test_outputs_that_were_not_requested_are_none(started: Started) -> None:
    world, state, actions = started
    rollout = world.rollout(state, actions)
    assert rollout.features is None
    assert rollout.uncertainty is None


def test_a_rollout_continues_where_another_ended(started: Started) -> None:
    world, state, actions = started
    whole = world.rollout(state, actions)
    first = world.rollout(state, actions[:, :2])
    rest = world.rollout(first.state, actions[:, 2:])
    assert torch.equal(torch.cat([first.frames, rest.frames], dim=1), whole.frames)


def test_every_action_has_a_gradient(started: Started) -> None:
    world, state, actions = started
    actions = actions.clone().requires_grad_(True)
    rollout = world.rollout(state, actions)
    rollout.rewards.sum().backward()
    assert actions.grad is not None
    assert actions.grad.shape == actions.shape
    assert (actions.grad.abs().amax(dim=(0, 2)) > 0).all()


def test_the_gradient_is_that_of_finite_differences(started: Started) -> None:
    world, state, actions = started
    actions = actions[:, :2].clone().requires_grad_(True)
    world.rollout(state, actions).rewards.sum().backward()
    step = torch.zeros_like(actions)
    step[0, 0, 0] = 0.01
    with torch.no_grad():
        up, down = (world.rollout(state, actions + s * step).rewards.sum() for s in (1, -1))
    assert actions.grad is not None
    slope = ((up - down) / 0.02).item()
    assert actions.grad[0, 0, 0].item() == pytest.approx(slope, rel=0.1, abs=2e-3)


def test_a_policy_sees_each_state_and_chooses_in_the_environment_s_units(started: Started) -> None:
    world, state, actions = started
    states: list[WorldState] = []

    def policy(now: WorldState) -> torch.Tensor:
        states.append(now)
        return actions[:, len(states) - 1]

    rollout = world.rollout(state, policy, horizon=5)
    assert torch.equal(rollout.frames, world.rollout(state, actions).frames)
    assert torch.equal(torch.stack([now.frame for now in states[1:]], dim=1), rollout.frames[:, :-1])


def test_the_horizon_says_how_much_of_the_actions_to_take(started: Started) -> None:
    world, state, actions = started
    assert torch.equal(world.rollout(state, actions, horizon=2).frames, world.rollout(state, actions[:, :2]).frames)
    for horizon in (0, 6):
        with pytest.raises(ValueError, match=rf"`horizon` must lie in 1\.\.5, the number of actions, got {horizon}"):
            world.rollout(state, actions, horizon=horizon)
    with pytest.raises(ValueError, match=r"`horizon` must be at least 1 for a policy, got None"):
        world.rollout(state, lambda now: actions[:, 0])


def test_actions_for_other_lanes_are_refused(started: Started) -> None:
    world, state, actions = started
    with pytest.raises(ValueError, match=r"`actions` must have leading axes \[3, 5\] .*got \[2, 5\]"):
        world.rollout(state, actions[:2])
    with pytest.raises(ValueError, match=r"`actions` must have leading axes \[3, 2\] .*got \[3\]"):
        world.rollout(state, actions[:, 0])


def test_encoded_actions_are_taken_as_they_are(started: Started) -> None:
    world, state, actions = started
    native = world.rollout(state, actions)
    assert torch.equal(native.frames, world.rollout(state, actions / 2, encoded=True).frames)


def test_branches_that_share_noise_differ_by_their_actions_alone(started: Started, assert_same_state: Any) -> None:
    world, state, actions = started
    same = world.rollout(state.repeat(2), actions.repeat_interleave(2, dim=0))
    torch.testing.assert_close(same.frames[0::2], same.frames[1::2], rtol=0, atol=1e-4)
    apart = world.rollout(state.repeat(2, noise="independent"), actions.repeat_interleave(2, dim=0))
    torch.testing.assert_close(apart.frames[0::2], same.frames[0::2], rtol=0, atol=1e-4)
    assert (apart.frames[1::2] - same.frames[1::2]).abs().amax(dim=(1, 2, 3, 4)).min() > 1e-3


def test_frames_alone_are_those_of_the_whole_rollout(started: Started, assert_same_state: Callable) -> None:
    world, state, actions = started
    whole, frames = world.rollout(state, actions), world.rollout(state, actions, frames_only=True)
    assert torch.equal(frames.frames, whole.frames)
    assert_same_state(frames.state, whole.state)
    assert frames.rewards.shape == frames.continuations.shape == frames.terminated.shape == (len(state), 0)


@pytest.mark.parametrize("frames_only", [False, True])
def test_steps_computed_again_give_the_same_gradients_and_keep_less(started: Started, frames_only: bool) -> None:
    world, state, actions = started
    gradients, kept = [], []
    for recompute in (False, True):
        variable, sizes = actions.clone().requires_grad_(True), []

        def keep(value: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(value.numel())
            return value

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
            rollout = world.rollout(state, variable, frames_only=frames_only, recompute=recompute)
        kept.append(sum(sizes))
        (rollout.rewards.sum() + rollout.frames.square().sum()).backward()
        gradients.append(variable.grad)
    torch.testing.assert_close(gradients[0], gradients[1])
    assert kept[1] < 0.1 * kept[0]


@pytest.mark.parametrize("context_noise", [0.0, 0.2])
@pytest.mark.parametrize("network", ["VideoUNet", "Transformer"])
def test_a_dream_of_a_video_network_is_one_pass_over_its_clip(
    make_world: Callable[..., WorldModel], make_past: Callable, network: str, context_noise: float
) -> None:
    """Its cache holds three frames, and the dream is four times as long."""
    world, (frames, actions) = make_world(network=network), make_past(k=16)
    world.sampling = Sampling(context_noise=context_noise)
    state = world.start(frames[:, :4], actions[:, :3], seed=11)
    rollout = world.rollout(state, actions[:, 3:], with_features=True)
    assert rollout.features is not None
    encoded = world.action_codec.encode_batch(actions, (3, 15), world.device)
    clip = torch.cat([frames[:, :4], rollout.frames], dim=1)
    action_mask = torch.tensor([[False] + [True] * 15] * 3)
    leading = torch.cat([torch.zeros_like(encoded[:, :1]), encoded], dim=1)
    levels = torch.full((3, 16), world.process.clean_level)
    if context_noise:
        clip, levels = add_lane_noise(world.process, clip, state.seed, state.counter + 3 * 12, context_noise)
    features = world.denoiser.clip(clip, levels, leading, action_mask).features
    torch.testing.assert_close(rollout.features, features[:, 4:], rtol=0, atol=1e-4)
    levels = levels.clone()
    levels[:, -1] = world.process.noisiest_level
    noise = lane_normal(state.seed, state.counter + 3 * 11, world.frame_shape)
    noisy = torch.cat([clip[:, :-1], noise[:, None]], dim=1)
    again = world.denoiser.clip(noisy, levels, leading, action_mask).frames
    torch.testing.assert_close(rollout.frames[:, -1], again[:, -1].clamp(-1, 1), rtol=0, atol=1e-4)
