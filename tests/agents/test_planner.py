"""Claims about planners in worlds on a line, whose dynamics are also those of the real environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from vdworld.agents import CrossEntropy, GoalImage, Planner, PlanningProblem, Return, Sum
from vdworld.agents.planning import plan_bar
from vdworld.types import Actions
from vdworld.world import Rollout, WorldModel

SPEED = 0.2


class Recorded(CrossEntropy):
    """A cross-entropy method that records its guesses and plans."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.history: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.anchors: list[torch.Tensor | None] = []

    def plan(self, problem: PlanningProblem) -> Actions:
        plan = super().plan(problem)
        self.history.append((problem.guess, plan))
        self.anchors.append(problem.anchor)
        return plan


def walk(
    planner: Planner, places: list[float], frames_at: Callable, steps: int, moves: Any = None
) -> list[list[float]]:
    """Let the planner act in the real line and return where it was, per step and lane."""
    visited = [places]
    for _ in range(steps):
        action = planner.act(frames_at(*visited[-1]))
        move = action[:, 0] / 4 if moves is None else np.array(moves)[action]
        visited.append([float(np.clip(p + SPEED * m, -1, 1)) for p, m in zip(visited[-1], move, strict=True)])
    return visited


def nearness(rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
    """Score places by their squared distance from the goal's; plain pictures have no shapes to compare."""
    assert goal is not None
    return -(rollout.frames - goal[:, None]).square().mean(dim=(1, 2, 3, 4))


def test_a_goal_is_reached_in_every_lane(make_line: Callable[..., WorldModel], frames_at: Callable) -> None:
    planner = Planner(make_line(), CrossEntropy(horizon=4, num_iterations=5), objective=nearness)
    planner.reset(goal=frames_at(0.5, -0.7))
    visited = walk(planner, [-0.5, 0.1], frames_at, 10)
    assert visited[-1] == pytest.approx([0.5, -0.7], abs=0.06)


def test_rewards_are_maximised(make_line: Callable[..., WorldModel], frames_at: Callable) -> None:
    visited = walk(Planner(make_line(), CrossEntropy(horizon=4, num_iterations=5)), [-0.4], frames_at, 10)
    assert visited[-1] == pytest.approx([0.6], abs=0.06)


def test_any_function_of_the_rollout_can_be_the_objective(
    make_line: Callable[..., WorldModel], frames_at: Callable
) -> None:
    def leftwards(rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
        assert goal is None
        return -rollout.frames.mean(dim=(1, 2, 3, 4))

    planner = Planner(make_line(has_reward=False), CrossEntropy(horizon=4), objective=leftwards)
    assert walk(planner, [0.5], frames_at, 6)[-1][0] < -0.4


def test_discrete_choices_are_one_hot_when_they_reach_the_world(make_line: Callable, frames_at: Callable) -> None:
    world = make_line(gym.spaces.Discrete(3), moves=(-1.0, 0.0, 1.0))
    planner = Planner(world, CrossEntropy(horizon=3, num_candidates=32), replan_every=1)
    action = planner.act(frames_at(-0.5, 0.5))
    assert action.shape == (2,)
    assert np.issubdtype(action.dtype, np.integer)
    for context in world.network.imagined:
        choice = context.actions[:, -1]
        assert torch.equal(choice.sort(dim=-1).values, torch.tensor([0.0, 0, 1]).expand(len(choice), -1))
    planner.reset()
    assert walk(planner, [-0.6], frames_at, 9, moves=(-1, 0, 1))[-1] == pytest.approx([0.6], abs=0.11)


def test_actions_come_in_the_form_of_their_space(make_line: Callable, frames_at: Callable) -> None:
    space = gym.spaces.Dict([("push", gym.spaces.Box(-4, 4, (2,))), ("mode", gym.spaces.Discrete(3, start=1))])
    planner = Planner(make_line(space, moves=(1.0, 0.0, 0.0, 0.0, 0.0)), CrossEntropy(horizon=2, num_iterations=1))
    for place in (0.1, 0.2, 0.3, 0.4):
        action = planner.act(frames_at(place, -place))
        assert (action["push"].shape, action["mode"].shape) == ((2, 2), (2,))
        assert all(space.contains({k: v[lane] for k, v in action.items()}) for lane in range(2))


@pytest.mark.parametrize(("replan_every", "plans"), [(1, 6), (2, 3), (4, 2), (None, 3)])
def test_a_new_plan_is_made_every_replan_every_steps(
    make_line: Callable, frames_at: Callable, replan_every: int | None, plans: int
) -> None:
    method = Recorded(horizon=4, num_candidates=16, num_iterations=1)
    planner = Planner(make_line(), method, replan_every=replan_every)
    walk(planner, [0.0], frames_at, 6)
    assert len(method.history) == plans
    assert planner.num_imagined == plans * 16 * 4


def test_the_steps_of_a_plan_are_executed_in_their_order(make_line: Callable, frames_at: Callable) -> None:
    method = Recorded(horizon=4)
    planner = Planner(make_line(), method, replan_every=3)
    actions = [planner.act(frames_at(0.0))[0, 0] / 4 for _ in range(3)]
    assert actions == pytest.approx(method.history[0][1][0, :3, 0].tolist(), abs=1e-6)


@pytest.mark.parametrize("replan_every", [1, 3, 4])
def test_the_next_search_begins_with_the_rest_of_the_plan(
    make_line: Callable, frames_at: Callable, replan_every: int
) -> None:
    method = Recorded(horizon=4)
    planner = Planner(make_line(), method, replan_every=replan_every)
    walk(planner, [0.0], frames_at, replan_every + 1)
    (first_guess, first_plan), (guess, _) = method.history
    assert not first_guess.any()
    left = [*range(replan_every, 4), *[3] * replan_every]
    assert torch.equal(guess, first_plan[:, left])
    planner.reset()
    planner.act(frames_at(0.0))
    assert not method.history[-1][0].any()


def test_the_search_receives_the_last_action(make_line: Callable, frames_at: Callable) -> None:
    method = Recorded(horizon=4, anchored=True)
    planner = Planner(make_line(), method, replan_every=2)
    actions = [planner.act(frames_at(0.0, 0.0)) / 4 for _ in range(4)]
    assert method.anchors[0] is None
    assert method.anchors[1] is not None
    np.testing.assert_allclose(method.anchors[1], actions[1], atol=1e-6)
    planner.reset(context=(torch.zeros(2, 3, 3, 8, 8), torch.tensor([[[4.0], [1.0]], [[4.0], [-2.0]]])))
    planner.act(frames_at(0.0, 0.0))
    assert method.anchors[2] is not None
    assert method.anchors[2].tolist() == [[0.25], [-0.5]]
    assert method.history[2][0].tolist() == [[[0.25]] * 4, [[-0.5]] * 4]  # the guess: go on as before


@pytest.mark.parametrize("max_batch", [1, 7, 24])
def test_chunks_change_nothing_but_the_batch(make_line: Callable, frames_at: Callable, max_batch: int) -> None:
    whole, chunked = make_line(), make_line()
    goal, actions = frames_at(0.5, -0.5, 0.0), []
    for world, limit in ((whole, 1024), (chunked, max_batch)):
        method = CrossEntropy(horizon=2, num_candidates=8, num_iterations=1, num_elites=4)
        planner = Planner(world, method, objective=nearness, max_batch=limit)
        planner.reset(goal=goal)
        actions.append(planner.act(frames_at(-0.5, 0.1, 0.8)))
        assert planner.num_imagined == 3 * 8 * 2
    np.testing.assert_allclose(actions[0], actions[1], rtol=0, atol=1e-5)
    assert (actions[0][0] > 0).all()
    assert (actions[0][2] < 0).all()  # towards the lanes' own goals
    assert max(len(context.frames) for context in chunked.network.imagined) == max_batch
    assert max(len(context.frames) for context in whole.network.imagined) == 24


def test_a_single_plan_may_have_goals_of_its_own(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    planner = Planner(world, CrossEntropy(horizon=2), objective=nearness)
    plan = planner.plan(world.start(frames_at(0.0, 0.0)[:, None]), goal=frames_at(0.3, -0.3))
    assert (plan.actions[0] > 0).all()
    assert (plan.actions[1] < 0).all()


class Counting(CrossEntropy):
    """Records in its state how long ago the last plan was."""

    def plan(self, problem: PlanningProblem) -> Actions:
        problem.method_state.setdefault("elapsed", []).append(problem.elapsed)
        return super().plan(problem)


def test_a_methods_state_lasts_for_an_episode(make_line: Callable, frames_at: Callable) -> None:
    planner = Planner(make_line(), Counting(horizon=4, num_iterations=1), replan_every=3)
    walk(planner, [0.0], frames_at, 7)
    assert planner._method_state["elapsed"] == [None, 3, 3]
    planner.reset()
    walk(planner, [0.0], frames_at, 1)
    assert planner._method_state["elapsed"] == [None]


def test_a_seed_repeats_an_episode(make_line: Callable, frames_at: Callable) -> None:
    planner = Planner(make_line(), CrossEntropy(horizon=4, num_iterations=1))
    walks = []
    for seed in (1, 1, 2):
        planner.reset(seed=seed)
        walks.append(walk(planner, [-0.4], frames_at, 5))
    assert walks[0] == walks[1]
    assert walks[0] != walks[2]


@pytest.mark.parametrize("progress", [True, False])
def test_a_plan_that_takes_long_shows_the_frames_that_it_imagined(
    make_line: Callable, frames_at: Callable, monkeypatch, capsys, progress: bool
) -> None:
    method = CrossEntropy(horizon=4, num_candidates=16, num_iterations=2)
    planner = Planner(make_line(), method, max_batch=8, progress=progress)
    walk(planner, [0.0], frames_at, 1)
    assert capsys.readouterr().err == "", "a short plan shows nothing"
    monkeypatch.setattr(plan_bar, "DELAY", 0.0)
    planner.reset()
    walk(planner, [0.0], frames_at, 1)
    shown = capsys.readouterr().err
    assert ("plan:   0%|" in shown and "/128 [" in shown) == progress  # as many frames as the first plan took


def test_wrong_arguments_are_refused(make_line: Callable, frames_at: Callable) -> None:
    with pytest.raises(ValueError, match="`objective` must not need rewards .* Pass another objective"):
        Planner(make_line(has_reward=False))
    with pytest.raises(ValueError, match=r"`replan_every` must lie in 1\.\.4, got 5"):
        Planner(make_line(), CrossEntropy(horizon=4), replan_every=5)
    with pytest.raises(ValueError, match="`objective` must not need rewards"):
        Planner(make_line(has_reward=False), objective=Sum([GoalImage(), Return()]))
    with pytest.raises(ValueError, match=r"`num_particles` must lie in 1\.\.8 \(`max_batch`\), got 9"):
        Planner(make_line(), num_particles=9, max_batch=8)
    with pytest.raises(ValueError, match="`risk` must be 0 with a single particle, got 0.5. Raise `num_particles`"):
        Planner(make_line(), risk=0.5)
    with pytest.raises(ValueError, match="`uncertainty_penalty` must not be negative, got -1"):
        Planner(make_line(), uncertainty_penalty=-1.0)
    world = make_line()
    with pytest.raises(ValueError, match="`goal` must hold one frame per lane, 1, got 2"):
        Planner(world).plan(world.start(frames_at(0.0)[:, None]), goal=frames_at(0.0, 1.0))
    planner = Planner(make_line(), objective=GoalImage())
    with pytest.raises(ValueError, match="`mask` must select all lanes"):
        planner.reset(mask=torch.tensor([True, False]))
    planner.reset(mask=torch.tensor([True, True]))
    with pytest.raises(ValueError, match=r"`goal` must be given for a GoalImage objective"):
        planner.act(frames_at(0.0))
