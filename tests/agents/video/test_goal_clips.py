"""Claims about clips with goals."""

from __future__ import annotations

import pytest
import torch

from tests.agents.video.squares import NUM_CELLS, cells_of
from vdworld.agents.video import GoalClips
from vdworld.data import ClipSource

K, H = 3, 2


def sample(walked, goal_offset, size=400, place=0, **settings):
    source = GoalClips(walked, context_length=K, horizon=H, goal_offset=goal_offset, **settings)
    assert isinstance(source, ClipSource)
    return source.sample(size, torch.Generator().manual_seed(0), place)


def cells(pixels):
    return cells_of(pixels.float() / 127.5 - 1)


def test_the_goal_is_a_further_camera_with_a_later_frame_of_the_same_episode(walked):
    clips = sample(walked, goal_offset=3)
    assert clips.frames.shape[1:3] == (K + H, 6)
    place, goal = cells(clips.frames[:, :, :3]), cells(clips.frames[:, :, 3:])
    assert (goal == goal[:, :1]).all()
    way = place[:, K] - place[:, K - 1]  # a walk goes one way, a cell per step
    ahead = (goal[:, 0] - place[:, K - 1]) * way
    assert set(ahead.tolist()) == {1, 2, 3}


def test_distances_to_the_goal_are_uniform_within_the_episode(walked):
    clips = sample(walked, goal_offset=4, size=1500)
    place, goal = cells(clips.frames[:, K - 1, :3]), cells(clips.frames[:, K - 1, 3:])
    for room in (1, 2, 3, 4):  # steps to the end
        where = clips.steps == NUM_CELLS - 1 - room
        counts = (goal - place).abs()[where].bincount(minlength=room + 1)[1:]
        assert len(counts) == room
        torch.testing.assert_close(counts / counts.sum(), torch.full((room,), 1 / room), atol=0.1, rtol=0)


@pytest.mark.parametrize("place", [-1, 1])
def test_goals_are_in_the_episode_of_a_clip_that_reaches_beyond_it(walked, place):
    clips = sample(walked, goal_offset=3, place=place)
    assert ((clips.steps < 0) | (clips.steps >= NUM_CELLS - 1)).any()
    last, goal = cells(clips.frames[:, K - 1, :3]), cells(clips.frames[:, K - 1, 3:])
    assert ((goal - last).abs() <= 3).all()  # a walk passes every cell, so that other episodes' frames lie anywhere


def test_actions_are_hidden(walked):
    clips = sample(walked, goal_offset=3)
    assert clips.actions.shape == (400, K + H - 1, 1)
    assert not clips.actions.any()
    steps = clips.steps[:, None] + torch.arange(1 - K, H)
    assert torch.equal(clips.action_mask, (steps >= 0) & (steps < NUM_CELLS - 1))


def test_every_step_has_its_episodes_instruction(walked):
    instructions = {entry.index: [float(entry.index), 1.0] for entry in walked.entries}
    clips = sample(walked, goal_offset=0, instructions=instructions)
    assert clips.frames.shape[2] == 3
    assert torch.equal(clips.actions[..., 0], clips.episodes[:, None].float() * clips.action_mask)
    assert torch.equal(clips.actions[..., 1], clips.action_mask.float())


def test_the_generator_decides_the_clips(walked):
    first, again = sample(walked, goal_offset=3), sample(walked, goal_offset=3)
    assert torch.equal(first.frames, again.frames)


def test_wrong_arguments_are_refused(walked):
    with pytest.raises(ValueError, match="`goal_offset` must be at least 1, or 0 with `instructions`, got 0."):
        sample(walked, goal_offset=0)
    with pytest.raises(ValueError, match=r"`instructions` must hold a vector for every episode, got none for"):
        sample(walked, goal_offset=2, instructions={0: [1.0]})
    with pytest.raises(ValueError, match="`instructions` must hold vectors of one length"):
        sample(walked, goal_offset=2, instructions={i: [1.0] * (1 + i % 2) for i in range(20)})
