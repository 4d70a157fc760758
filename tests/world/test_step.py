from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from vdworld.world import OutcomeHeads, Sampling, WorldModel
from vdworld.world.noise import DRAWS_PER_STEP, lane_uniform

every_network = pytest.mark.parametrize("network", ["StackedUNet", "VideoUNet", "Transformer"])


def levels(frames: torch.Tensor) -> list[float]:
    """The grey levels of the first lane's frames."""
    return [round(v, 4) for v in frames[0, :, 0, 0, 0].tolist()]


def constant_heads(reward: float, logit: float) -> OutcomeHeads:
    heads = OutcomeHeads(16)
    heads.output.bias.data[:] = torch.tensor([reward, logit])
    return heads


def test_the_action_taken_now_leads_into_the_frame_being_denoised(spied_world: Any, greys: Callable) -> None:
    world, spy = spied_world
    state = world.start(greys([[0.1, 0.2, 0.3, 0.4]]), torch.tensor([[[0.0, 0.0], [0.2, 0.0], [0.4, 0.0]]]))
    state, outcome = world.step(state, torch.tensor([[1.0, 0.0]]))
    _, level, context = spy.imagining[-1]
    assert level.tolist() == [0]
    assert context.level.tolist() == [[1] * 3]
    assert levels(context.frames) == [0.2, 0.3, 0.4]
    assert [round(a, 4) for a in context.actions[0, :, 0].tolist()] == [0.1, 0.2, 0.5]  # of -2..2
    assert context.action_mask.all()
    assert levels(outcome.frame[:, None]) == [0.45]

    world.step(state, torch.tensor([[-2.0, 0.0]]))
    _, _, context = spy.imagining[-1]
    assert levels(context.frames) == [0.3, 0.4, 0.45]
    assert [round(a, 4) for a in context.actions[0, :, 0].tolist()] == [0.2, 0.5, -1]


def test_the_outcome_comes_from_the_finished_frame_in_the_same_context(spied_world: Any, greys: Callable) -> None:
    world, spy = spied_world
    state, outcome = world.step(world.start(greys([[0.4]])), torch.tensor([[1.0, 0.0]]))
    frame, level, context = spy.reading[-1]
    assert torch.equal(frame, outcome.frame)
    assert level.tolist() == [1]
    assert torch.equal(context.frames, spy.imagining[-1][2].frames)
    assert context.action_mask.tolist() == [[False, False, True]]
    assert torch.equal(outcome.features, state.features)


def test_a_step_takes_as_many_evaluations_as_requested(spied_world: Any, greys: Callable) -> None:
    world, spy = spied_world
    state, action = world.start(greys([[0.4]])), torch.zeros(1, 2)
    for request, expected in ((4, [0, 0.25, 0.5, 0.75]), (1, [0]), (None, [0, 0.5])):
        spy.imagining.clear()
        world.sampling = Sampling(num_steps=2)
        world.step(state, action, num_sampling_steps=request)
        assert [float(level) for _, level, _ in spy.imagining] == expected
    with pytest.raises(ValueError, match="`num_sampling_steps` must be at least 1, got 0"):
        world.step(state, action, num_sampling_steps=0)


def test_frames_stay_within_their_range(spied_world: Any, greys: Callable) -> None:
    world, _ = spied_world
    _, outcome = world.step(world.start(greys([[0.99]])), torch.tensor([[2.0, 0.0]]))
    assert outcome.frame.max() == 1


@every_network
def test_a_seed_repeats_its_dream_bit_for_bit(make_world: Callable, make_past: Callable, network: str) -> None:
    world, (frames, actions) = make_world(network=network), make_past()
    dreams = []
    for seed in (4, 4, 5):
        state, outcome = world.start(frames, actions, seed=seed), None
        for t in range(3):
            state, outcome = world.step(state, actions[:, t], num_sampling_steps=2)
        assert outcome is not None
        dreams.append(outcome)
    assert torch.equal(dreams[0].frame, dreams[1].frame)
    assert torch.equal(dreams[0].reward, dreams[1].reward)
    assert torch.equal(dreams[0].continuation, dreams[1].continuation)
    assert not torch.allclose(dreams[0].frame, dreams[2].frame, atol=1e-3)


@every_network
def test_a_lane_dreams_the_same_whoever_shares_its_batch(
    make_world: Callable, make_past: Callable, network: str
) -> None:
    world, (frames, actions) = make_world(network=network), make_past(b=7)
    state, outcome = world.step(world.start(frames, actions, seed=20), actions[:, 0])
    for lanes in ([3], [6, 3], [3, 3, 3, 0, 1]):
        seeds = [20 + lane for lane in lanes]
        other, alone = world.step(world.start(frames[lanes], actions[lanes], seed=seeds), actions[lanes, 0])
        row = lanes.index(3)
        assert (alone.frame[row] - outcome.frame[3]).abs().max() < 1e-3
        torch.testing.assert_close(alone.reward[row], outcome.reward[3], rtol=0, atol=1e-3)
        torch.testing.assert_close(alone.continuation[row], outcome.continuation[3], rtol=0, atol=1e-3)
        assert (other.seed[row], other.counter[row]) == (state.seed[3], state.counter[3])


@every_network
def test_lanes_that_begin_anew_never_disturb_the_others(
    make_world: Callable, make_past: Callable, network: str
) -> None:
    world, (frames, actions) = make_world(network=network), make_past(b=5, k=9)
    undisturbed = state = world.start(frames[:, :4], actions[:, :3], seed=20)
    fresh = world.start(frames[:, 4:8], actions[:, 4:7], seed=90)
    expected = outcome = None
    for t in range(3, 8):
        undisturbed, expected = world.step(undisturbed, actions[:, t])
        if t in (4, 6):
            state = state.replace(torch.tensor([True, False, t == 4, False, False]), fresh)
        state, outcome = world.step(state, actions[:, t])
        assert torch.equal(outcome.frame[[1, 3, 4]], expected.frame[[1, 3, 4]])
        assert torch.equal(outcome.reward[[1, 3, 4]], expected.reward[[1, 3, 4]])
    assert expected is not None
    assert outcome is not None
    assert not torch.allclose(outcome.frame[0], expected.frame[0], atol=1e-3)
    again, _ = world.step(fresh, actions[:, 6])
    assert torch.equal(state.frames[0, -2], again.frame[0])


@every_network
def test_a_step_leaves_the_state_it_came_from_valid(
    make_world: Callable[..., WorldModel], make_past: Callable, assert_same_state: Callable, network: str
) -> None:
    world, (frames, actions) = make_world(network=network), make_past()
    state = world.start(frames, actions)
    kept = state.clone()
    after, first = world.step(state, actions[:, 0])
    world.step(after, actions[:, 1])
    assert_same_state(state, kept)
    assert torch.equal(world.step(state, actions[:, 0])[1].frame, first.frame)


def test_every_step_draws_new_noise(make_world: Callable[..., WorldModel], make_past: Callable) -> None:
    world, spied = make_world(), []
    inner = world.network.forward
    world.network.forward = lambda noisy, *rest: spied.append(noisy) or inner(noisy, *rest)
    frames, actions = make_past()
    state = world.start(frames, actions)
    for t in range(3):
        state, _ = world.step(state, actions[:, t])
    assert len({round(float(noisy[lane, 0, 0, 0]), 6) for noisy in spied for lane in range(3)}) == 9


def test_uncertainty_is_none_unless_requested_and_changes_nothing_else(
    make_world: Callable, make_past: Callable
) -> None:
    world, (frames, actions) = make_world(), make_past()
    state = world.start(frames, actions)
    after, plain = world.step(state, actions[:, 0])
    after_asked, request = world.step(state, actions[:, 0], with_uncertainty=True)
    assert plain.uncertainty is None
    assert request.uncertainty.shape == (3,)
    assert (request.uncertainty > 0).all()
    assert torch.equal(plain.frame, request.frame)
    assert torch.equal(plain.terminated, request.terminated)
    assert torch.equal(after.counter, after_asked.counter)


def test_uncertainty_adds_up_over_a_dream(make_world: Callable, make_past: Callable) -> None:
    """As the errors of independent steps do: the squares of what two draws of each frame differ by."""
    world, (frames, actions) = make_world(), make_past()
    state = world.start(frames, actions, seed=3)
    assert state.uncertainty.tolist() == [0, 0, 0]
    expected = torch.zeros(3)
    for t in range(3):
        fresh = replace(state, uncertainty=None)
        expected = torch.hypot(expected, world.step(fresh, actions[:, t], with_uncertainty=True)[1].uncertainty)
        state, outcome = world.step(state, actions[:, t], with_uncertainty=True)
        torch.testing.assert_close(outcome.uncertainty, expected)
        assert torch.equal(state.uncertainty, outcome.uncertainty)
        assert state.num_steps.tolist() == [t + 1] * 3
    assert torch.equal(world.step(state, actions[:, 0])[0].uncertainty, expected), "nobody asked in this step"


def test_a_world_that_ignores_its_noise_is_certain(spied_world: Any, greys: Callable) -> None:
    world, _ = spied_world
    _, outcome = world.step(world.start(greys([[0.4]])), torch.zeros(1, 2), with_uncertainty=True)
    assert outcome.uncertainty.tolist() == [0]


def test_ends_are_drawn_with_their_odds_from_the_lane_s_stream(spied_world: Any, greys: Callable) -> None:
    world, _ = spied_world
    world.heads = constant_heads(reward=2.5, logit=float(torch.tensor(0.7).logit()))
    state = world.start(greys([[0.0]] * 4000), seed=10)
    after, outcome = world.step(state, torch.zeros(4000, 2))
    assert outcome.reward.unique().tolist() == [2.5]
    torch.testing.assert_close(outcome.continuation, torch.full((4000,), 0.7))
    assert abs(outcome.terminated.float().mean() - 0.3) < 0.03  # four standard deviations
    last_draw = lane_uniform(state.seed, state.counter + DRAWS_PER_STEP - 1)  # the first two are for frames
    assert torch.equal(outcome.terminated, last_draw > outcome.continuation)
    _, again = world.step(state[[5, 17, 3999]], torch.zeros(3, 2))
    assert again.terminated.tolist() == outcome.terminated[[5, 17, 3999]].tolist()
    _, later = world.step(after, torch.zeros(4000, 2))
    both = (later.terminated & outcome.terminated).float().mean()
    assert abs(both - 0.09) < 0.02  # the next draw is independent of this one


@pytest.mark.parametrize(("logit", "ends"), [(40.0, 0), (-40.0, 500)])
def test_what_is_certain_happens(spied_world: Any, greys: Callable, logit: float, ends: int) -> None:
    world, _ = spied_world
    world.heads = constant_heads(reward=0.0, logit=logit)
    _, outcome = world.step(world.start(greys([[0.0]] * 500)), torch.zeros(500, 2))
    assert int(outcome.terminated.sum()) == ends


def test_actions_of_another_shape_are_refused(make_world: Callable[..., WorldModel], make_past: Callable) -> None:
    world, (frames, actions) = make_world(), make_past()
    state = world.start(frames, actions)
    for wrong in (actions[0, 0], actions, actions[:2, 0]):
        with pytest.raises(
            ValueError, match=re.escape("`actions` must have leading axes [3] before one action of Box")
        ):
            world.step(state, wrong)


def test_encoded_actions_are_taken_as_they_are(make_world: Callable[..., WorldModel], make_past: Callable) -> None:
    world, (frames, actions) = make_world(), make_past()
    state = world.start(frames, actions)
    _, native = world.step(state, actions[:, 0])
    _, encoded = world.step(state, actions[:, 0] / 2, encoded=True)
    assert torch.equal(native.frame, encoded.frame)
