from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from vdworld.agents import GoalImage, Return
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


def test_lanes_have_returns_of_their_own() -> None:
    imagined = rollout(
        BLANK.expand(2, -1, -1, -1, -1), [[1.0, 1.0, 1.0], [5.0, 5.0, 5.0]], [[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    )
    assert Return()(imagined).tolist() == [3, 5]


def test_a_blurred_goal_tells_near_from_far_where_pixels_can_not() -> None:
    near, far, goal = squares(11)[None], squares(25)[None], squares(4)
    plain = GoalImage(blur=(0.0,))
    assert plain(rollout(near), goal).item() == pytest.approx(plain(rollout(far), goal).item())
    assert GoalImage()(rollout(near), goal) > GoalImage()(rollout(far), goal)


def test_a_blurred_goal_has_a_slope_all_the_way() -> None:
    approaching = torch.stack([squares(column) for column in (16, 13, 10, 7, 4)])
    scores = GoalImage(last=1.0)(rollout(approaching), squares(4).expand(5, -1, -1, -1))
    assert (scores.diff() > 0).all()
    assert scores[-1].item() == pytest.approx(1)


def test_a_dream_in_which_things_fade_wins_nothing() -> None:
    background, goal = torch.full((3, 32, 32), -0.5), squares(4)
    away = squares(16)
    faded = background + 0.3 * (away - background)
    blank = background[None] + 0.0 * away
    score = GoalImage(background=background)
    assert score(rollout(faded[None]), goal).item() == pytest.approx(score(rollout(away[None]), goal).item(), abs=1e-5)
    assert score(rollout(blank[None]), goal) <= score(rollout(away[None]), goal)


def test_what_stays_where_it_is_counts_for_nothing() -> None:
    scenery = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0)) - 1
    place, goal = squares(20) + 0.5 + scenery, squares(4) + 0.5 + scenery
    far = GoalImage(blur=(0.0,), background=scenery)(rollout(place[None]), goal)
    assert far.item() == pytest.approx(0, abs=1e-6)
    assert GoalImage(blur=(0.0,))(rollout(place[None]), goal) > 0.3  # most of either picture is the scenery


def test_the_last_frame_and_the_way_there_count_as_asked() -> None:
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


def test_a_blur_keeps_plain_frames_and_the_mean_of_what_lies_inside() -> None:
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


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`discount` must lie in \[0, 1\], got 1.5"):
        Return(1.5)
    with pytest.raises(ValueError, match=r"`blur` must hold numbers from 0, got \(-1"):
        GoalImage(blur=(-1.0,))
    with pytest.raises(ValueError, match=r"`blur` must hold numbers from 0, got \(\)"):
        GoalImage(blur=())
    with pytest.raises(ValueError, match=r"`last` must lie in \[0, 1\], got 2"):
        GoalImage(last=2.0)
    with pytest.raises(ValueError, match=r"`goal` must be given for a GoalImage objective: reset the agent with"):
        GoalImage()(rollout(BLANK))
