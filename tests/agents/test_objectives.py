from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tests.envs.random_world import random_world
from vdworld.agents import GoalFeatures, GoalImage, Return, Sum
from vdworld.agents.objectives import blur
from vdworld.world import Rollout, WorldState


def rollout(frames: torch.Tensor, rewards: Any = None, continuations: Any = None) -> Rollout:
    b, h = frames.shape[:2]
    zeros = torch.zeros(b, dtype=torch.int64)
    none = torch.zeros(b, 0, 1)
    state = WorldState(frames[:, -1:], none, none[..., 0].bool(), zeros, zeros, torch.zeros(b, 1))
    rewards = torch.zeros(b, h) if rewards is None else torch.tensor(rewards)
    continuations = torch.ones(b, h) if continuations is None else torch.tensor(continuations)
    return Rollout(frames, rewards, continuations, torch.zeros(b, h, dtype=torch.bool), None, None, state)


def squares(*columns: int, size: int = 32) -> torch.Tensor:
    """One frame ``[3, h, w]`` per column: a bright square of 4 x 4 pixels there, half way down."""
    frames = torch.full((len(columns), 3, size, size), -0.5)
    for frame, column in zip(frames, columns, strict=True):
        frame[:, size // 2 - 2 : size // 2 + 2, column : column + 4] = 0.9
    return frames


BLANK = torch.zeros(1, 3, 3, 4, 4)


@pytest.mark.parametrize(("discount", "expected"), [(1.0, 2.5), (0.5, 1.625), (0.0, 1.0)])
def test_a_return_by_hand(discount: float, expected: float) -> None:
    """1, then 2 with probability 1/2, then 4 with probability 1/2 x 1/4; what follows the last step doesn't count."""
    imagined = rollout(BLANK, [[1.0, 2.0, 4.0]], [[0.5, 0.25, 0.0]])
    assert Return(discount)(imagined).tolist() == [expected]


def test_the_value_of_the_last_state_is_weighted_by_the_continuations() -> None:
    """The 1 + 2 / 2 * .5 of two steps, and a last state worth 8: half as likely again, and two steps away."""
    imagined = rollout(BLANK[:, :2], [[1.0, 2.0]], [[0.5, 0.5]])
    assert Return(0.5, value=lambda state: state.features[:, 0] + 8)(imagined).tolist() == [1.5 + 0.25 * 0.25 * 8]


def test_lanes_have_returns_of_their_own() -> None:
    imagined = rollout(
        BLANK.expand(2, -1, -1, -1, -1), [[1.0, 1.0, 1.0], [5.0, 5.0, 5.0]], [[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    )
    assert Return()(imagined).tolist() == [3, 5]


def test_a_blurred_goal_distinguishes_near_from_far_where_pixels_do_not() -> None:
    near, far, goal = squares(11)[None], squares(25)[None], squares(4)
    plain = GoalImage(blur=(0.0,))
    assert plain(rollout(near), goal).item() == pytest.approx(plain(rollout(far), goal).item())
    assert GoalImage()(rollout(near), goal) > GoalImage()(rollout(far), goal)


def test_a_blurred_goal_has_a_gradient_all_the_way() -> None:
    approaching = torch.stack([squares(column) for column in (16, 13, 10, 7, 4)])
    scores = GoalImage(last=1.0)(rollout(approaching), squares(4).expand(5, -1, -1, -1))
    assert (scores.diff() > 0).all()
    assert scores[-1].item() == pytest.approx(1)


def test_dreams_in_which_objects_fade_score_no_better() -> None:
    background, goal = torch.full((3, 32, 32), -0.5), squares(4)
    away = squares(16)
    faded = background + 0.3 * (away - background)
    blank = background[None] + 0.0 * away
    score = GoalImage(background=background)
    assert score(rollout(faded[None]), goal).item() == pytest.approx(score(rollout(away[None]), goal).item(), abs=1e-5)
    assert score(rollout(blank[None]), goal) <= score(rollout(away[None]), goal)


def test_the_background_does_not_count() -> None:
    scenery = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0)) - 1
    place, goal = squares(20) + 0.5 + scenery, squares(4) + 0.5 + scenery
    far = GoalImage(blur=(0.0,), background=scenery)(rollout(place[None]), goal)
    assert far.item() == pytest.approx(0, abs=1e-6)
    assert GoalImage(blur=(0.0,))(rollout(place[None]), goal) > 0.3  # most of either picture is the scenery


def test_the_last_frame_and_the_mean_are_weighted_by_last() -> None:
    way = torch.stack([squares(16)[0], squares(10)[0], squares(4)[0]])[None]
    goal = squares(4)
    scores = [GoalImage(last=1.0)(rollout(way[:, i : i + 1]), goal).item() for i in range(3)]
    for last in (0.0, 0.25, 1.0):
        expected = last * scores[2] + (1 - last) * sum(scores) / 3
        assert GoalImage(last=last)(rollout(way), goal).item() == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_every_lane_has_its_own_goal() -> None:
    frames = squares(4, 20)[:, None]
    scores = GoalImage()(rollout(frames), squares(4, 4))
    assert scores[0].item() == pytest.approx(1)
    assert scores[1] < 0.9


def test_a_sum_weighs_its_parts() -> None:
    imagined, goal = rollout(squares(4, 20)[:, None], [[1.0], [2.0]]), squares(4, 4)
    parts = [GoalImage(), Return(), lambda rollout, goal: torch.full((2,), 5.0)]
    expected = 2 * GoalImage()(imagined, goal) - 0.5 * torch.tensor([1.0, 2.0]) + 10 * 5.0
    torch.testing.assert_close(Sum(parts, weights=[2.0, -0.5, 10.0])(imagined, goal), expected)
    torch.testing.assert_close(Sum([Return(), Return()])(imagined), torch.tensor([2.0, 4.0]))


def test_a_sum_needs_whatever_a_part_needs() -> None:
    plain, image = Sum([lambda rollout, goal: rollout.rewards.sum(dim=1), GoalImage()]), Sum([GoalImage(), GoalImage()])
    assert (plain.frames_only, plain.needs_rewards) == (False, False)
    assert (image.frames_only, image.needs_rewards) == (True, False)
    both = Sum([GoalImage(), Sum([Return()])])
    assert (both.frames_only, both.needs_rewards) == (False, True)


def test_features_distinguish_the_goal_from_other_frames() -> None:
    world = random_world()
    stills = world.sample_start(4, seed=3).frames  # [4, 3, c, h, w]
    goal = stills[[0, 0, 2, 2], 1]
    imagined = rollout(torch.stack([stills[:, 0], stills[:, 1]], dim=1))
    scores = GoalFeatures(world, last=1.0)(imagined, goal)
    assert scores[[0, 2]].tolist() == pytest.approx([1, 1], abs=1e-5)  # they end with their own goals
    same = (stills[[1, 3], 1] == goal[[1, 3]]).flatten(1).all(dim=1)
    assert ((scores[[1, 3]] < 0.999) | same).all()
    halves = GoalFeatures(world, last=0.5)(imagined, goal)
    first = GoalFeatures(world, last=1.0)(rollout(stills[:, :1]), goal)
    torch.testing.assert_close(halves, 0.5 * scores + 0.5 * (scores + first) / 2)


def test_the_features_of_the_background_are_subtracted() -> None:
    world = random_world()
    goal, other = world.sample_start(2, seed=1).frame.split(1)
    features = [world.start(frame[:, None]).features for frame in (goal, other, world.background()[None])]
    expected = torch.cosine_similarity(features[0] - features[2], features[1] - features[2])
    torch.testing.assert_close(GoalFeatures(world)(rollout(other[:, None]), goal), expected)
    world.starts = None
    expected = torch.cosine_similarity(features[0], features[1])
    torch.testing.assert_close(GoalFeatures(world)(rollout(other[:, None]), goal), expected)


def test_a_blur_keeps_plain_frames_and_the_mean() -> None:
    plain = torch.full((2, 3, 16, 24), 0.3)
    torch.testing.assert_close(blur(plain, 0.2), plain)
    spot = torch.zeros(1, 1, 41, 41)
    spot[..., 20, 20] = 1
    blurred = blur(spot, 0.08)
    assert blurred.sum().item() == pytest.approx(1, rel=1e-5)
    assert blurred.argmax() == spot.argmax()
    torch.testing.assert_close(blurred, blurred.flip(-1))
    torch.testing.assert_close(blurred, blurred.transpose(-1, -2))


def test_the_width_of_a_blur_is_a_share_of_the_height() -> None:
    spot = torch.zeros(1, 1, 100, 100)
    spot[..., 50, 50] = 1
    columns = blur(spot, 0.05)[0, 0].sum(dim=0)
    spread = (columns * (torch.arange(100) - 50.0).square()).sum().sqrt()
    assert spread.item() == pytest.approx(5, rel=0.1)  # the tails are cut off
    assert columns[50].item() == pytest.approx(1 / (5 * math.sqrt(2 * math.pi)), rel=0.1)


def test_no_blur_leaves_frames_alone() -> None:
    frames = squares(3, 9)
    assert torch.equal(blur(frames, 0.0), frames)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`discount` must lie in \[0, 1\], got 1.5"):
        Return(1.5)
    with pytest.raises(ValueError, match=r"`blur` must hold numbers of at least 0, got \(-1"):
        GoalImage(blur=(-1.0,))
    with pytest.raises(ValueError, match=r"`blur` must hold numbers of at least 0, got \(\)"):
        GoalImage(blur=())
    with pytest.raises(ValueError, match=r"`last` must lie in \[0, 1\], got 2"):
        GoalImage(last=2.0)
    with pytest.raises(ValueError, match=r"`goal` must be given for a GoalImage objective: reset the agent with"):
        GoalImage()(rollout(BLANK))
    with pytest.raises(ValueError, match=r"`last` must lie in \[0, 1\], got -1"):
        GoalFeatures(random_world(), last=-1.0)
    with pytest.raises(ValueError, match="`goal` must be given for a GoalFeatures objective: reset the agent with"):
        GoalFeatures(random_world())(rollout(BLANK))
    with pytest.raises(ValueError, match=r"`weights` must hold one per objective, 2 and at least 1, got \[1.0\]"):
        Sum([Return(), Return()], weights=[1.0])
    with pytest.raises(ValueError, match="`weights` must hold one per objective, 0 and at least 1, got None"):
        Sum([])
