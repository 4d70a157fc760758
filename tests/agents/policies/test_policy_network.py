"""Claims about the network of a policy."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vdworld.agents.policies.encoder import RunningScale
from vdworld.agents.policies.observation_batch import ObservationBatch
from vdworld.agents.policies.policy_network import PolicyNetwork, stack_frames
from vdworld.agents.policies.recurrent_state import RecurrentState

SIZES: dict[str, Any] = {"num_channels": 3, "num_readings": 2, "action_dim": 2, "num_outputs": 4, "hidden_dim": 16}


def rng():
    return torch.Generator().manual_seed(0)


def network(image_size: tuple[int, int] = (16, 16), **settings: Any) -> PolicyNetwork:
    policy_network = PolicyNetwork(image_size=image_size, **(SIZES | settings))
    with torch.no_grad():
        torch.nn.init.normal_(policy_network.critic.weight, std=0.1)
        torch.nn.init.normal_(policy_network.actor.weight)
    return policy_network.requires_grad_(False)


def observations(*leading, image_size=(16, 16)):
    frames = torch.randint(0, 256, (*leading, 3, *image_size), dtype=torch.uint8, generator=rng())
    return ObservationBatch(frames, torch.randn(*leading, 2, generator=rng()))


def at(batch, t):
    return batch.map(lambda part: part[:, t])


@pytest.mark.parametrize("image_size", [(16, 16), (17, 40), (64, 64), (96, 128), (4, 6)])
def test_pictures_of_any_size_are_encoded(image_size):
    policy_network = network(image_size)
    outputs, values, state = policy_network.step(
        observations(2, image_size=image_size), policy_network.initial_state(2)
    )
    assert (outputs.shape, values.shape, state.hidden.shape) == ((2, 4), (2,), (2, 32))


def test_pictures_of_one_pixel_are_refused():
    with pytest.raises(ValueError, match="`image_size` must be at least 2 x 2 pixels"):
        network((1, 16))


def test_at_first_choices_are_about_equally_likely_and_values_zero():
    policy_network = PolicyNetwork(image_size=(16, 16), **SIZES)
    outputs, values, _ = policy_network.step(observations(5), policy_network.initial_state(5))
    assert outputs.abs().max() < 0.1
    assert values.tolist() == [0.0] * 5


@pytest.mark.parametrize("recurrent", [True, False])
def test_unrolling_equals_single_steps(recurrent):
    policy_network, batch = network(recurrent=recurrent), observations(3, 5)
    previous = torch.randn(3, 5, 2, generator=rng())
    is_first = torch.zeros(3, 5, dtype=torch.bool)
    is_first[1, 2] = True  # an episode is_first in lane 1
    hidden = torch.randn(3, 5, 32, generator=rng())
    outputs, features = policy_network.unroll(batch, previous, hidden, is_first)
    newest = hidden[:, 0]
    for t in range(5):
        newest = torch.where(is_first[:, t, None], hidden[:, t], newest)
        before = RecurrentState(newest, previous[:, t], policy_network.initial_state(3).past_frames)
        expected, _, state = policy_network.step(at(batch, t), before)
        newest = state.hidden
        torch.testing.assert_close(outputs[:, t], expected)
    assert features.shape == (3, 5, 16)


@pytest.mark.parametrize("frame_stack", [1, 3, 6])
def test_burning_in_equals_stepping_through_the_context(frame_stack):
    policy_network, batch = network(frame_stack=frame_stack), observations(2, 4)
    actions, action_mask = torch.randn(2, 3, 2, generator=rng()), torch.ones(2, 3, dtype=torch.bool)
    burnt_in = policy_network.burn_in(batch, actions, action_mask)
    state = policy_network.initial_state(2)
    for t in range(3):
        state = policy_network.step(at(batch, t), state)[2].after(actions[:, t])
    torch.testing.assert_close(burnt_in.hidden, state.hidden)
    torch.testing.assert_close(burnt_in.previous_actions, state.previous_actions)
    assert torch.equal(burnt_in.past_frames, state.past_frames)
    assert burnt_in.past_frames.shape == (2, 3 * (frame_stack - 1), 16, 16)


@pytest.mark.parametrize("frame_stack", [1, 2, 4])
def test_steps_before_an_unknown_action_are_ignored(frame_stack):
    policy_network, batch = network(frame_stack=frame_stack), observations(2, 4)
    actions, action_mask = torch.randn(2, 3, 2, generator=rng()), torch.ones(2, 3, dtype=torch.bool)
    action_mask[0, :2] = False  # lane 0 has two frames of padding
    burnt_in = policy_network.burn_in(batch, actions, action_mask)
    short = policy_network.burn_in(batch.map(lambda part: part[:, 2:]), actions[:, 2:], action_mask[:, 2:])
    torch.testing.assert_close(burnt_in.hidden[0], short.hidden[0])
    assert torch.equal(burnt_in.past_frames[0], short.past_frames[0])
    assert not torch.allclose(burnt_in.hidden[1], short.hidden[1])
    nothing = policy_network.burn_in(batch, actions, torch.zeros_like(action_mask))
    assert not nothing.hidden.any()
    assert not nothing.previous_actions.any()
    assert not nothing.past_frames.any()


def test_frames_are_stacked_oldest_first_up_to_an_unknown_action():
    frames = torch.arange(1, 6, dtype=torch.uint8).reshape(1, 5, 1, 1, 1)
    stacks = stack_frames(frames, 3)[0, :, :, 0, 0]
    assert stacks.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]
    action_mask = torch.tensor([[True, False, True, True]])
    stacks = stack_frames(frames, 3, action_mask)[0, :, :, 0, 0]
    assert stacks.tolist() == [[0, 0, 1], [0, 1, 2], [0, 0, 3], [0, 3, 4], [3, 4, 5]]
    assert stack_frames(frames[:, :1], 3).flatten().tolist() == [0, 0, 1]


def test_a_stack_holds_as_many_frames_as_it_says_and_no_more():
    policy_network, batch = network(recurrent=False, frame_stack=2), observations(2, 3)
    states = [policy_network.initial_state(2)]
    for t in range(2):
        states.append(policy_network.step(at(batch, t), states[t])[2])
    short = policy_network.step(at(batch, 1), policy_network.initial_state(2))[2]
    recent, whole, never = (policy_network.step(at(batch, 2), state)[0] for state in (short, states[2], states[0]))
    torch.testing.assert_close(recent, whole)
    assert not torch.allclose(whole, never)


def test_actor_and_critic_share_no_weights():
    policy_network, batch = network().requires_grad_(True), observations(2, 3)
    is_first = torch.zeros(2, 3, dtype=torch.bool)
    outputs, features = policy_network.unroll(batch, torch.zeros(2, 3, 2), torch.zeros(2, 3, 32), is_first)
    policy_network.critic(features).square().sum().backward()
    assert not any(weight.grad is not None and weight.grad.any() for weight in policy_network.towers[0].parameters())
    assert all(
        weight.grad is not None and weight.grad.any()
        for weight in policy_network._towers()[1].image_encoder.parameters()
    )
    assert outputs.requires_grad


def test_readings_are_normalised_by_all_readings_so_far():
    scale, values = RunningScale(2), torch.randn(40, 2, generator=rng()) * torch.tensor([300.0, 0.01]) + 50
    for part in values.split([7, 13, 20]):
        scale.update(part)
    torch.testing.assert_close(scale.mean, values.mean(dim=0))
    torch.testing.assert_close(scale.square, values.var(dim=0, correction=0), rtol=1e-2, atol=1e-7)
    scaled = scale(values)
    torch.testing.assert_close(scaled[:, :2].mean(dim=0), torch.zeros(2), atol=1e-2, rtol=0)
    assert (scaled[:, 2:] == 1).all()


def test_an_unknown_reading_is_zero_and_marked():
    scale = RunningScale(2)
    scale.update(torch.tensor([[1.0, float("nan")], [3.0, float("nan")]]))
    assert scale(torch.tensor([[3.0, float("nan")]])).tolist() == [[1.0, 0.0, 1.0, 0.0]]


@pytest.mark.parametrize(("recurrent", "frame_stack"), [(True, 1), (False, 1), (True, 2), (False, 4)])
def test_unrolling_the_actor_equals_unrolling_in_the_steps_of_the_mask(recurrent, frame_stack):
    policy_network, batch = network(recurrent=recurrent, frame_stack=frame_stack), observations(3, 5)
    previous, is_first = torch.randn(3, 5, 2, generator=rng()), torch.zeros(3, 5, dtype=torch.bool)
    stacked = ObservationBatch(stack_frames(batch.frames, frame_stack), batch.readings)
    whole, _ = policy_network.unroll(stacked, previous, torch.zeros(3, 5, 32), is_first)
    step_mask = torch.arange(5) < torch.tensor([[1], [5], [3]])
    torch.testing.assert_close(policy_network.unroll_actor(batch, previous, step_mask), whole[step_mask])
