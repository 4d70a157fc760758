"""Spied worlds show frames of one grey level each, so that a context reads as a list of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from vdworld.world import StartClips, WorldModel


def levels(frames: torch.Tensor) -> list[float]:
    """The grey levels of the first lane's frames."""
    return [round(v, 4) for v in frames[0, :, 0, 0, 0].tolist()]


def test_one_frame_is_repeated_with_null_actions_between(spied_world: Any, greys: Callable) -> None:
    world, spy = spied_world
    state = world.start(greys([[0.5]]))
    frame, level, context = spy.reading[-1]
    assert levels(frame[:, None]) == [0.5]
    assert levels(context.frames) == [0.5, 0.5, 0.5]
    assert context.action_mask.tolist() == [[False] * 3]
    assert not context.actions.any()
    assert (level.tolist(), context.level.tolist()) == ([1], [[1, 1, 1]])
    assert levels(state.frames) == [0.5, 0.5, 0.5]
    assert (state.actions.shape, state.action_mask.tolist()) == ((1, 2, 2), [[False, False]])


def test_a_short_history_is_padded_on_the_left(spied_world: Any, greys: Callable) -> None:
    world, spy = spied_world
    state = world.start(greys([[0.1, 0.2]]), torch.tensor([[[1.0, 2.0]]]))
    frame, _, context = spy.reading[-1]
    assert levels(frame[:, None]) == [0.2]
    assert levels(context.frames) == [0.1, 0.1, 0.1]
    assert context.action_mask.tolist() == [[False, False, True]]
    assert context.actions.tolist() == [[[0, 0], [0, 0], [0.5, 1]]]
    assert levels(state.frames) == [0.1, 0.1, 0.2]
    assert state.action_mask.tolist() == [[False, True]]
    assert state.actions.tolist() == [[[0, 0], [0.5, 1]]]


@pytest.mark.parametrize("extra", [0, 2])
def test_of_a_long_history_the_newest_part_counts(spied_world: Any, greys: Callable, extra: int) -> None:
    world, spy = spied_world
    history = [-0.9, -0.8][:extra] + [0.1, 0.2, 0.3, 0.4]
    actions = torch.arange(len(history) - 1.0).sub(extra).div(2)[None, :, None].expand(1, -1, 2)
    state = world.start(greys([history]), actions)
    frame, _, context = spy.reading[-1]
    assert levels(frame[:, None]) == [0.4]
    assert levels(context.frames) == [0.1, 0.2, 0.3]
    assert context.actions[0, :, 0].tolist() == [0, 0.25, 0.5]  # of -2..2: the last leads from .3 to .4
    assert context.action_mask.all()
    assert levels(state.frames) == [0.2, 0.3, 0.4]
    assert state.actions[0, :, 0].tolist() == [0.25, 0.5]


def test_lengths_hide_what_lies_before_an_episode(
    make_world: Callable[..., WorldModel], make_past: Callable, assert_same_state: Callable
) -> None:
    world, (frames, actions) = make_world(), make_past(b=6, k=6)
    together = world.start(frames, actions, lengths=torch.tensor([1, 2, 3, 4, 5, 6]), seed=3)
    for lane, length in enumerate(range(1, 7)):
        own = (frames[lane : lane + 1, 6 - length :], actions[lane : lane + 1, 6 - length :])
        alone = world.start(*own, seed=3 + lane)
        lane_state = together[lane]
        torch.testing.assert_close(lane_state.features, alone.features, rtol=0, atol=1e-4)
        for name in ("frames", "actions", "action_mask", "seed", "counter"):
            assert torch.equal(getattr(lane_state, name), getattr(alone, name)), (name, length)


def test_without_actions_the_past_is_shown_and_its_actions_are_null(spied_world: Any, greys: Callable) -> None:
    world, _ = spied_world
    state = world.start(greys([[0.1, 0.2, 0.3, 0.4]]))
    assert levels(state.frames) == [0.2, 0.3, 0.4]
    assert not state.action_mask.any()
    assert not state.actions.any()


def test_a_world_of_one_context_frame_starts_too(make_world: Callable[..., WorldModel], make_past: Callable) -> None:
    world, (frames, actions) = make_world(context_length=1), make_past()
    state = world.start(frames, actions)
    assert (state.frames.shape[1], state.actions.shape[1]) == (1, 0)
    _, outcome = world.step(state, actions[:, 0])
    assert outcome.frame.shape == frames[:, 0].shape


def test_features_exist_from_the_start(make_world: Callable[..., WorldModel], make_past: Callable) -> None:
    world, (frames, actions) = make_world(), make_past()
    features = world.start(frames, actions).features
    assert features.shape == (3, 16)
    other = world.start(frames, -actions).features
    assert not torch.allclose(features, other)


def test_seeds_count_up_from_an_int_or_are_used_as_they_are(make_world: Callable, make_past: Callable) -> None:
    world, (frames, actions) = make_world(), make_past()
    assert world.start(frames, actions, seed=7).seed.tolist() == [7, 8, 9]
    assert world.start(frames, actions, seed=[7, 7, -1]).seed.tolist() == [7, 7, -1]
    assert world.start(frames, actions, seed=torch.tensor([4, 5, 6])).seed.tolist() == [4, 5, 6]
    assert world.start(frames, actions).counter.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match=r"`seed` must be an int or hold 3 ints, one per lane, got \[2\]"):
        world.start(frames, actions, seed=[1, 2])


def test_what_does_not_fit_the_world_is_refused(make_world: Callable[..., WorldModel], make_past: Callable) -> None:
    world, (frames, actions) = make_world(), make_past()
    with pytest.raises(ValueError, match=r"`frames` must be \[b, k, 3, 16, 16\], got .*\[3, 4, 3, 8, 16\]"):
        world.start(frames[:, :, :, :8], actions)
    with pytest.raises(ValueError, match=r"`actions` must have leading axes \[3, 3\] before one action of Box"):
        world.start(frames, actions[:, :-1])
    for lengths in ([0, 1, 2], [1, 2, 5], [1, 2]):
        with pytest.raises(ValueError, match=r"`lengths` must hold 3 numbers in 1\.\.4"):
            world.start(frames, actions, lengths=torch.tensor(lengths))


@pytest.mark.parametrize("extreme", [10.5, -10.5])
def test_one_number_far_outside_is_refused(make_world: Callable[..., WorldModel], extreme: float) -> None:
    frames = torch.zeros(1, 1, 3, 16, 16)
    frames[0, 0, 2, 7, 7] = extreme
    with pytest.raises(ValueError, match=r"`frames` must be floats in \[-1, 1\], got numbers up to 10.5"):
        make_world().start(frames)
    make_world().start(frames / 1.1)  # a little outside, as estimates may be


def test_actions_come_in_the_form_of_their_space(make_world: Callable[..., WorldModel], make_past: Callable) -> None:
    space = gym.spaces.Dict([("turn", gym.spaces.Box(-2, 2, (1,))), ("jump", gym.spaces.Discrete(3))])
    world, (frames, _) = make_world(space), make_past(b=2, k=3)
    actions = {"turn": np.array([[[1.0], [2.0]], [[0.0], [-2.0]]]), "jump": torch.tensor([[0, 2], [1, 1]])}
    state = world.start(frames, actions)
    assert state.actions[0].tolist() == [[0.5, 1, 0, 0], [1, 0, 0, 1]]
    _, outcome = world.step(state, {"turn": np.zeros((2, 1)), "jump": np.array([0, 1])})
    assert len(outcome.frame) == 2


@pytest.fixture
def clips() -> StartClips:
    """Five clips, the i-th of grey level 10 i; the first of its three actions is unknown."""
    frames = torch.arange(5, dtype=torch.uint8).mul(10)[:, None, None, None, None].expand(-1, 4, 3, 16, 16)
    actions = torch.full((5, 3, 2), 1.0)
    actions[:, 0] = 0
    action_mask = torch.tensor([False, True, True]).expand(5, -1)
    return StartClips(frames.contiguous(), actions, action_mask.contiguous())


def test_a_world_starts_from_its_own_clips(make_world: Callable[..., WorldModel], clips: StartClips) -> None:
    world = make_world(starts=clips)
    state = world.start_from_clips(torch.tensor([3, 0]), seed=[8, 9])
    torch.testing.assert_close(state.frames[:, -1, 0, 0, 0], torch.tensor([30.0, 0.0]) / 127.5 - 1)
    assert state.action_mask.all()
    assert state.actions.tolist() == [[[0.5, 0.5]] * 2] * 2
    assert state.seed.tolist() == [8, 9]


def test_the_background_is_what_most_clips_show(make_world: Callable[..., WorldModel]) -> None:
    frames = torch.full((5, 4, 3, 16, 16), 100, dtype=torch.uint8)
    for i in range(5):
        frames[i, :, :, :, i] = 250  # a bar that stands elsewhere in each clip
    starts = StartClips(frames, torch.zeros(5, 3, 2), torch.ones(5, 3, dtype=torch.bool))
    background = make_world(starts=starts).background()
    torch.testing.assert_close(background, torch.full((3, 16, 16), 100 / 127.5 - 1))


def test_a_lane_seed_picks_the_clip_whoever_shares_the_batch(make_world: Callable, clips: StartClips) -> None:
    world = make_world(starts=clips)
    many = world.sample_start(200, seed=0)
    brightness = many.frame[:, 0, 0, 0]
    assert len(brightness.unique()) == 5
    alone = world.sample_start(1, seed=[77])
    assert torch.equal(alone.frame[0], many.frame[77])
    counts = torch.unique(world.sample_start(2000, seed=0).frame[:, 0, 0, 0], return_counts=True)[1]
    assert ((counts - 400).abs() < 80).all()  # four and a half standard deviations


def test_a_world_without_clips_says_how_to_begin(make_world: Callable[..., WorldModel]) -> None:
    with pytest.raises(ValueError, match=r"no start clips. Begin with `world.start\(frames, actions\)`"):
        make_world().sample_start(2)
    with pytest.raises(ValueError, match="`frames` must hold at least one start clip, got none"):
        StartClips(torch.zeros(0, 4, 3, 16, 16), torch.zeros(0, 3, 2), torch.zeros(0, 3, dtype=torch.bool))
