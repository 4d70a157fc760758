"""Claims about the network of a policy."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vdworld.agents.policies.encoder import RunningScale
from vdworld.agents.policies.observation_batch import ObservationBatch
from vdworld.agents.policies.policy_network import Memory, PolicyNetwork, stack_frames

SIZES: dict[str, Any] = {"num_channels": 3, "num_readings": 2, "action_dim": 2, "num_outputs": 4, "hidden_dim": 16}


def rng():
    return torch.Generator().manual_seed(0)


def network(image_size: tuple[int, int] = (16, 16), **settings: Any) -> PolicyNetwork:
    made = PolicyNetwork(image_size=image_size, **(SIZES | settings))
    with torch.no_grad():
        torch.nn.init.normal_(made.critic.weight, std=0.1)
        torch.nn.init.normal_(made.actor.weight)
    return made.requires_grad_(False)


def observations(*leading, image_size=(16, 16)):
    frames = torch.randint(0, 256, (*leading, 3, *image_size), dtype=torch.uint8, generator=rng())
    return ObservationBatch(frames, torch.randn(*leading, 2, generator=rng()))


def at(seen, t):
    return seen.map(lambda part: part[:, t])


@pytest.mark.parametrize("image_size", [(16, 16), (17, 40), (64, 64), (96, 128), (4, 6)])
def test_pictures_of_any_size_are_seen(image_size):
    made = network(image_size)
    outputs, values, memory = made.step(observations(2, image_size=image_size), made.blank(2))
    assert (outputs.shape, values.shape, memory.hidden.shape) == ((2, 4), (2,), (2, 32))


def test_pictures_of_one_pixel_are_refused():
    with pytest.raises(ValueError, match="`image_size` must be at least 2 x 2 pixels"):
        network((1, 16))


def test_at_first_choices_are_nearly_alike_and_values_zero():
    made = PolicyNetwork(image_size=(16, 16), **SIZES)
    outputs, values, _ = made.step(observations(5), made.blank(5))
    assert outputs.abs().max() < 0.1
    assert values.tolist() == [0.0] * 5


@pytest.mark.parametrize("recurrent", [True, False])
def test_a_stretch_lived_again_is_the_one_that_was_lived(recurrent):
    made, seen = network(recurrent=recurrent), observations(3, 5)
    previous = torch.randn(3, 5, 2, generator=rng())
    begins = torch.zeros(3, 5, dtype=torch.bool)
    begins[1, 2] = True  # lane 1 begins an episode, with a memory of its own
    hidden = torch.randn(3, 5, 32, generator=rng())
    outputs, features = made.unroll(seen, previous, hidden, begins)
    state = hidden[:, 0]
    for t in range(5):
        state = torch.where(begins[:, t, None], hidden[:, t], state)
        lived, _, memory = made.step(at(seen, t), Memory(state, previous[:, t], made.blank(3).past))
        state = memory.hidden
        torch.testing.assert_close(outputs[:, t], lived)
    assert features.shape == (3, 5, 16)


@pytest.mark.parametrize("frame_stack", [1, 3, 6])
def test_burning_in_is_having_lived_through_the_context(frame_stack):
    made, seen = network(frame_stack=frame_stack), observations(2, 4)
    actions, action_mask = torch.randn(2, 3, 2, generator=rng()), torch.ones(2, 3, dtype=torch.bool)
    burnt = made.burn_in(seen, actions, action_mask)
    memory = made.blank(2)
    for t in range(3):
        memory = made.step(at(seen, t), memory)[2].after(actions[:, t])
    torch.testing.assert_close(burnt.hidden, memory.hidden)
    torch.testing.assert_close(burnt.previous, memory.previous)
    assert torch.equal(burnt.past, memory.past)
    assert burnt.past.shape == (2, 3 * (frame_stack - 1), 16, 16)


@pytest.mark.parametrize("frame_stack", [1, 2, 4])
def test_what_lies_before_an_unknown_action_is_forgotten(frame_stack):
    made, seen = network(frame_stack=frame_stack), observations(2, 4)
    actions, action_mask = torch.randn(2, 3, 2, generator=rng()), torch.ones(2, 3, dtype=torch.bool)
    action_mask[0, :2] = False  # lane 0 has two frames of padding
    burnt = made.burn_in(seen, actions, action_mask)
    short = made.burn_in(seen.map(lambda part: part[:, 2:]), actions[:, 2:], action_mask[:, 2:])
    torch.testing.assert_close(burnt.hidden[0], short.hidden[0])
    assert torch.equal(burnt.past[0], short.past[0])
    assert not torch.allclose(burnt.hidden[1], short.hidden[1])
    nothing = made.burn_in(seen, actions, torch.zeros_like(action_mask))
    assert not nothing.hidden.any()
    assert not nothing.previous.any()
    assert not nothing.past.any()


def test_frames_are_stacked_the_oldest_first_up_to_what_is_not_known():
    frames = torch.arange(1, 6, dtype=torch.uint8).reshape(1, 5, 1, 1, 1)
    found = stack_frames(frames, 3)[0, :, :, 0, 0]
    assert found.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]
    action_mask = torch.tensor([[True, False, True, True]])
    found = stack_frames(frames, 3, action_mask)[0, :, :, 0, 0]
    assert found.tolist() == [[0, 0, 1], [0, 1, 2], [0, 0, 3], [0, 3, 4], [3, 4, 5]]
    assert stack_frames(frames[:, :1], 3).flatten().tolist() == [0, 0, 1]


def test_a_stack_shows_what_was_seen_before_and_no_more():
    made, seen = network(recurrent=False, frame_stack=2), observations(2, 3)
    memories = [made.blank(2)]
    for t in range(2):
        memories.append(made.step(at(seen, t), memories[t])[2])
    short = made.step(at(seen, 1), made.blank(2))[2]
    lately, ever, never = (made.step(at(seen, 2), memory)[0] for memory in (short, memories[2], memories[0]))
    torch.testing.assert_close(lately, ever)
    assert not torch.allclose(ever, never)


def test_actor_and_critic_do_not_touch_each_other():
    made, seen = network().requires_grad_(True), observations(2, 3)
    begins = torch.zeros(2, 3, dtype=torch.bool)
    outputs, features = made.unroll(seen, torch.zeros(2, 3, 2), torch.zeros(2, 3, 32), begins)
    made.critic(features).square().sum().backward()
    assert not any(weight.grad is not None and weight.grad.any() for weight in made.towers[0].parameters())
    assert all(weight.grad is not None and weight.grad.any() for weight in made._towers()[1].eyes.parameters())
    assert outputs.requires_grad


def test_readings_are_scaled_by_all_that_was_seen():
    scale, values = RunningScale(2), torch.randn(40, 2, generator=rng()) * torch.tensor([300.0, 0.01]) + 50
    for part in values.split([7, 13, 20]):
        scale.update(part)
    torch.testing.assert_close(scale.mean, values.mean(dim=0))
    torch.testing.assert_close(scale.square, values.var(dim=0, correction=0), rtol=1e-2, atol=1e-7)
    seen = scale(values)
    torch.testing.assert_close(seen[:, :2].mean(dim=0), torch.zeros(2), atol=1e-2, rtol=0)
    assert (seen[:, 2:] == 1).all()


def test_a_reading_that_is_not_known_is_zero_and_marked():
    scale = RunningScale(2)
    scale.update(torch.tensor([[1.0, float("nan")], [3.0, float("nan")]]))
    assert scale(torch.tensor([[3.0, float("nan")]])).tolist() == [[1.0, 0.0, 1.0, 0.0]]


@pytest.mark.parametrize(("recurrent", "frame_stack"), [(True, 1), (False, 1), (True, 2), (False, 4)])
def test_imitating_is_what_the_actor_says_in_the_steps_that_count(recurrent, frame_stack):
    made, seen = network(recurrent=recurrent, frame_stack=frame_stack), observations(3, 5)
    previous, begins = torch.randn(3, 5, 2, generator=rng()), torch.zeros(3, 5, dtype=torch.bool)
    stacked = ObservationBatch(stack_frames(seen.frames, frame_stack), seen.readings)
    whole, _ = made.unroll(stacked, previous, torch.zeros(3, 5, 32), begins)
    counted = torch.arange(5) < torch.tensor([[1], [5], [3]])
    torch.testing.assert_close(made.imitate(seen, previous, counted), whole[counted])
