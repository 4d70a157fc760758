"""Claims about searches over discrete actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import pytest
import torch

from tests.agents.planning.analytic_problems import make_problem, rng
from vdworld.agents import BeamSearch, CategoricalCrossEntropy, Planner, Return
from vdworld.agents.planning.discrete import every_action
from vdworld.spaces import ActionCodec
from vdworld.world import Rollout, WorldModel

SPACE = gym.spaces.Dict(
    {
        "a": gym.spaces.Discrete(3, start=5),
        "b": gym.spaces.MultiBinary(1),
        "c": gym.spaces.MultiDiscrete([2, 2]),
    }
)


def matches(target: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Count the numbers in which encoded plans are like the target."""
    return lambda plans: -(plans - target[:, None]).abs().sum(dim=(-2, -1))


def test_every_action_of_a_space_is_listed_once() -> None:
    codec = ActionCodec(SPACE)
    actions = every_action(codec)
    assert actions.shape == (24, 8)
    assert len(actions.unique(dim=0)) == 24
    native = codec.decode(actions)
    assert all(SPACE.contains({name: values[i] for name, values in native.items()}) for i in range(24))


def test_the_only_best_plan_is_found_in_every_lane() -> None:
    codec = ActionCodec(SPACE)
    actions = every_action(codec)
    target = actions[torch.randint(24, (3, 4), generator=rng(1))]  # one of 330,000
    method = CategoricalCrossEntropy(4, 100, 8, num_elites=10)
    plan = method.plan(make_problem(torch.zeros_like(target), matches(target), rng(), space=SPACE))
    assert torch.equal(plan, target)


def test_probabilities_are_refitted_by_hand() -> None:
    """Elites 0, 1, 1, 1 with a smoothing of 0.2 from uniform probabilities: 0.2 * 0.5 + 0.8 * 0.25 = 0.3."""
    method = CategoricalCrossEntropy(1, smoothing=0.2)
    probabilities = method._refit(torch.full((1, 1, 2), 0.5), torch.tensor([[[0], [1], [1], [1]]]))
    torch.testing.assert_close(probabilities, torch.tensor([[[0.3, 0.7]]]))


def test_the_first_plans_follow_the_guess_with_probability_trust() -> None:
    batches: list[torch.Tensor] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        batches.append(plans)
        return torch.zeros(plans.shape[:2])

    space, guess = gym.spaces.Discrete(4), torch.eye(4)[[2, 2, 1]][None]
    CategoricalCrossEntropy(3, 2000, 1, trust=0.6).plan(make_problem(guess, score, rng(), space=space))
    assert torch.equal(batches[0][:, 0], guess)
    share = batches[0][0].mean(dim=0)
    torch.testing.assert_close(share, 0.1 + 0.6 * guess[0], rtol=0, atol=0.04)
    batches.clear()
    CategoricalCrossEntropy(3, 2000, 1).plan(make_problem(torch.zeros(1, 3, 4), score, rng(), space=space))
    torch.testing.assert_close(batches[0][0].mean(dim=0), torch.full((3, 4), 0.25), rtol=0, atol=0.04)


def test_the_best_plans_are_kept_without_being_scored_again() -> None:
    calls: list[torch.Tensor] = []

    def score(plans: torch.Tensor) -> torch.Tensor:
        calls.append(plans)
        return plans[..., 0].sum(dim=-1) - (100.0 if len(calls) > 1 else 0.0)

    problem = make_problem(torch.zeros(1, 6, 3), score, rng(), space=gym.spaces.Discrete(3))
    plan = CategoricalCrossEntropy(6, 20, 3, num_elites=4, trust=0.0).plan(problem)
    assert [plans.shape[1] for plans in calls] == [20, 20, 20]
    assert problem.best_score.item() == calls[0][..., 0].sum(dim=-1).max()
    assert (calls[0][0] == plan).all(dim=(1, 2)).any()


def test_continuous_actions_are_refused_in_searches_over_choices(make_line: Callable, frames_at: Callable) -> None:
    for method in (CategoricalCrossEntropy(2), BeamSearch(2)):
        with pytest.raises(ValueError, match="`action_space` must consist of discrete choices .* got Box"):
            Planner(make_line(), method).act(frames_at(0.0))
    with pytest.raises(ValueError, match="`action_space` must have at most 512 actions .* got 1,000 in"):
        every_action(ActionCodec(gym.spaces.MultiDiscrete([10, 10, 10])))


MOVES = (-1.0, 0.0, 1.0)


def line_of(make_line: Callable, **settings: Any) -> WorldModel:
    return make_line(gym.spaces.Discrete(3), moves=MOVES, **settings)


def trap(rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
    """Right pays at once; but who went left twice gains much more. Places change by 0.2 a step."""
    place = rollout.frames[:, :, 0, 0, 0]
    far_left = (place < -0.3).any(dim=1)
    return place[:, 0] + 0.1 * place[:, -1] + 10.0 * far_left


@pytest.mark.parametrize(("num_beams", "expected"), [(1, (2, 2)), (2, (2, 2)), (3, (0, 0))])
def test_a_beam_by_hand(make_line: Callable, frames_at: Callable, num_beams: int, expected: tuple[int, int]) -> None:
    """After a step, right (.22) leads stay (0) leads left (-.22): it takes three beams to see left, left (9.76)."""
    world = line_of(make_line)
    planner = Planner(world, BeamSearch(2, num_beams), trap, replan_every=2)
    plan = planner.plan(world.start(frames_at(0.0)[:, None]))
    assert tuple(plan.actions[0].argmax(dim=-1).tolist()) == expected
    assert plan.scores.item() == pytest.approx(9.76 if num_beams == 3 else 0.24, abs=1e-5)
    assert planner.num_imagined == 3 + num_beams * 3  # no beginning is dreamt twice, and the answer not again


def test_beams_as_wide_as_the_tree_find_the_best_of_all_plans(make_line: Callable, frames_at: Callable) -> None:
    world = line_of(make_line)
    state = world.start(frames_at(-0.1, 0.9, 0.5)[:, None])
    planner = Planner(world, BeamSearch(3, 27), max_batch=7)
    plan = planner.plan(state)
    tree = torch.cartesian_prod(*[torch.arange(3)] * 3)
    best = []
    for lane in range(3):
        rollout = world.rollout(state[[lane] * 27], torch.eye(3)[tree], encoded=True)
        best.append(Return()(rollout).max())
    torch.testing.assert_close(plan.scores, torch.stack(best))
    again = Return()(world.rollout(state, plan.actions, encoded=True))
    torch.testing.assert_close(again, plan.scores)
    assert max(len(context.frames) for context in world.network.imagined[-200:]) <= 27


def test_the_objective_sees_whole_rollouts_of_beams(make_line: Callable, frames_at: Callable) -> None:
    """Frames, features, uncertainty and the goal of the own lane, whatever the chunks and particles."""
    lengths: list[int] = []

    def objective(rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
        assert goal is not None
        assert rollout.features is not None
        lengths.append(rollout.frames.shape[1])
        torch.testing.assert_close(rollout.features[..., 0], rollout.frames[:, :, 0, 0, 0])
        return -(rollout.frames - goal[:, None]).square().mean(dim=(1, 2, 3, 4))

    world = line_of(make_line)
    state, goal = world.start(frames_at(0.0, 0.0)[:, None]), frames_at(0.4, -0.4)
    plans = []
    for max_batch in (1000, 8):
        settings = {"num_particles": 2, "risk": 1.0, "uncertainty_penalty": 0.5, "max_batch": max_batch}
        planner = Planner(world, BeamSearch(3, 4), objective, **settings)
        plans.append(planner.plan(state, goal=goal))
    assert torch.equal(plans[0].actions, plans[1].actions)
    torch.testing.assert_close(plans[0].scores, plans[1].scores)
    assert plans[0].actions.argmax(dim=-1)[:, :2].tolist() == [[2, 2], [0, 0]]
    assert set(lengths) == {1, 2, 3}


def test_a_value_of_the_last_state_guides_a_narrow_beam(make_line: Callable, frames_at: Callable) -> None:
    """The reward says go right, from -0.1 towards 0.6; a critic that loves the left overrules it."""
    world = line_of(make_line)
    state = world.start(frames_at(-0.1)[:, None])
    without = Planner(world, BeamSearch(2, 1)).plan(state)
    value = Return(value=lambda state: -100 * state.features[:, 0])
    with_value = Planner(world, BeamSearch(2, 1), value).plan(state)
    assert without.actions[0].argmax(dim=-1).tolist() == [2, 2]
    assert with_value.actions[0].argmax(dim=-1).tolist() == [0, 0]


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`num_beams` must be at least 1, got 0"):
        BeamSearch(num_beams=0)
    with pytest.raises(ValueError, match=r"`num_elites` must lie in 1\.\.64"):
        CategoricalCrossEntropy(num_elites=65)
    with pytest.raises(ValueError, match=r"`trust` must lie in \[0, 1\], got 2"):
        CategoricalCrossEntropy(trust=2.0)
    with pytest.raises(ValueError, match="`keep` must be at least 0, got -1"):
        CategoricalCrossEntropy(keep=-1)
