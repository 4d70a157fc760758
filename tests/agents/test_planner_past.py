"""Claims about the past from which a planner's dreams start."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium as gym
import numpy as np
import pytest
import torch

from vdworld.agents import CrossEntropy, Planner, RandomShooting


def test_plans_start_from_the_frames_and_actions_of_the_past(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    planner, noted = Planner(world, CrossEntropy(horizon=2, num_iterations=1), replan_every=1), []
    for place in (0.1, 0.2, 0.3, 0.4):
        world.network.started.clear()
        noted.append(float(planner.act(frames_at(place))[0, 0]) / 4)
        frame, context = world.network.started[0]  # the state's own start; later ones belong to dreams
        past = [frame[0, 0, 0, 0].item(), *context.frames[0, :, 0, 0, 0].tolist()]
        now = round(place * 10)
        assert past == pytest.approx([place, *(max(now - back, 1) / 10 for back in (2, 1))])
        assert context.action_mask[0].tolist() == [now > 2, now > 1]
        expected = [noted[i] if i >= 0 else 0.0 for i in (now - 3, now - 2)]
        assert context.actions[0, :, 0].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.MultiBinary(1),
        gym.spaces.Box(-2, 5, (1,), np.int64),
        gym.spaces.Tuple([gym.spaces.Box(0, 2, (1,), np.int32)]),
        gym.spaces.Box(-4, 4, (1,), np.float16),
    ],
    ids=str,
)
def test_the_past_holds_what_was_executed(make_line: Callable, frames_at: Callable, space: gym.Space) -> None:
    world = make_line(space)
    codec = world.action_codec
    planner, executed = Planner(world, RandomShooting(2, 8), replan_every=1), []
    for place in (0.1, 0.2, 0.3):
        world.network.started.clear()
        executed.append(codec.encode(planner.act(frames_at(place, -place)))[:, 0])
    context = world.network.started[0][1]
    torch.testing.assert_close(context.actions[:, :, 0], torch.stack(executed[:2], dim=1), rtol=0, atol=0)
    for dreamt in world.network.imagined:
        actions = dreamt.actions[dreamt.action_mask]
        torch.testing.assert_close(actions, codec.project(actions), rtol=0, atol=1e-3)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_the_context_of_a_reset_is_the_past(make_line: Callable, frames_at: Callable, length: int) -> None:
    world = make_line()
    planner = Planner(world, CrossEntropy(horizon=2, num_iterations=1))
    frames = torch.stack([frames_at(0.1 * i) for i in range(length)], dim=1)
    actions = torch.arange(length - 1.0)[None, :, None]
    planner.reset(context=(frames, actions))
    planner.act(frames[:, -1])
    frame, context = world.network.started[0]
    places = [0.1 * max(length - 1 - back, 0) for back in (2, 1)]
    assert frame[0, 0, 0, 0].item() == pytest.approx(0.1 * (length - 1))
    assert context.frames[0, :, 0, 0, 0].tolist() == pytest.approx(places)
    assert context.action_mask[0].tolist() == [length > 2, length > 1]
    assert context.actions[0, :, 0].tolist() == pytest.approx([max(length - 3, 0) / 4, max(length - 2, 0) / 4])
