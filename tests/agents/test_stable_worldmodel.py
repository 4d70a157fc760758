"""Claims about the solvers of stable-worldmodel in worlds on a line, whose best plans are known."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from tests.agents.their_solvers import import_solvers
from vdworld.agents import GoalImage
from vdworld.agents.stable_worldmodel import CostModel
from vdworld.spaces import frames_to_pixels
from vdworld.world import Rollout

solvers = import_solvers()

SEARCHES = {
    "CEM": lambda model, **how: solvers.CEMSolver(model, num_samples=128, n_steps=8, topk=16, **how),
    "iCEM": lambda model, **how: solvers.ICEMSolver(model, num_samples=128, n_steps=8, topk=16, **how),
    "MPPI": lambda model, **how: solvers.MPPISolver(
        model, num_samples=256, n_steps=12, topk=16, temperature=0.01, var_scale=0.4, **how
    ),
}


def nearness(rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
    """Score places by their squared distance from the goal's."""
    assert goal is not None
    return -(rollout.frames - goal[:, None]).square().mean(dim=(1, 2, 3, 4))


def config(horizon: int = 4, action_block: int = 1) -> Any:
    """What solvers read of a ``PlanConfig``, whose module imports torchvision."""
    return SimpleNamespace(horizon=horizon, action_block=action_block)


def solve(solver: Any, model: CostModel, info: dict[str, Any], num_lanes: int, **shape: int) -> torch.Tensor:
    solver.configure(action_space=model.action_space(num_lanes), n_envs=num_lanes, config=config(**shape))
    return solver.solve(info)["actions"]


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_a_solver_finds_the_best_plan_within_the_bounds(name: str, make_line: Callable, frames_at: Callable) -> None:
    """From 0.2 towards the reward's peak at 0.6 with 0.2 per step: full ahead twice, then stay; at a cost of 0.2**2.

    Without bounds, two full steps at once would cost nothing.
    """
    world = make_line()
    model = CostModel(world)
    state = world.start(frames_at(0.2)[:, None])
    plan = solve(SEARCHES[name](model), model, {"state": state}, 1)
    cost = model.get_cost({"state": state}, plan[:, None])
    assert 0.04 - 1e-6 <= cost.item() < 0.05
    np.testing.assert_allclose(model.inverse_transform(plan)[0, :, 0], [4, 4, 0, 0], atol=0.6)


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_every_lane_pursues_its_own_goal(name: str, make_line: Callable, frames_at: Callable) -> None:
    """Each goal lies half a step away: go there, and stay. The solvers take two lanes at a time."""
    world = make_line()
    model = CostModel(world, nearness)
    info = {"state": world.start(frames_at(0.0, 0.3, -0.5)[:, None]), "goal": frames_at(0.1, 0.2, -0.4)}
    plan = solve(SEARCHES[name](model, batch_size=2), model, info, 3)
    expected = np.array([[0.5, 0, 0, 0], [-0.5, 0, 0, 0], [0.5, 0, 0, 0]])
    np.testing.assert_allclose(plan[..., 0], expected, atol=0.2)


def test_costs_by_hand(make_line: Callable, frames_at: Callable) -> None:
    """From 0.4, a full step reaches 0.6; the reward is minus the squared distance from there."""
    world = make_line()
    plans = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 1.0]])[None, :, :, None]
    costs = CostModel(world).get_cost({"state": world.start(frames_at(0.4)[:, None])}, plans)
    np.testing.assert_allclose(costs, [[0.0, 0.08, 0.2**2 + 0.4**2]], atol=1e-6)


def test_a_plan_beyond_the_bounds_costs_what_the_nearest_one_does(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    plans = torch.tensor([[2.6, 0.0], [1.0, 0.0], [-9.0, 1.2], [-1.0, 1.0]])[None, :, :, None]
    model = CostModel(world)
    costs = model.get_cost({"state": world.start(frames_at(0.1)[:, None])}, plans)[0]
    assert costs[0] == costs[1]
    assert costs[2] == costs[3]
    assert max(context.actions.abs().max() for context in world.network.imagined) == 1
    native = model.inverse_transform(plans[0])
    np.testing.assert_array_equal(native[..., 0], [[4, 0], [4, 0], [-4, 4], [-4, 4]])
    assert world.action_space.contains(native[0, 0])


def test_blocks_hold_actions_that_follow_one_another(make_line: Callable, frames_at: Callable) -> None:
    """The first number of a two-dimensional action moves; a block [right, *, left, *] ends where it began."""
    world = make_line(gym.spaces.Box(-4, 4, (2,)), moves=(1.0, 0.0))
    model = CostModel(world, lambda rollout, goal: -rollout.frames[:, -1, 0, 0, 0])
    blocks = torch.tensor([[[[1.0, 0.3, -1.0, 0.3]], [[1.0, 0.3, 0.5, 0.3]]]])  # [b, n, t, 2 * a]
    costs = model.get_cost({"state": world.start(frames_at(0.0)[:, None])}, blocks)
    np.testing.assert_allclose(costs, [[0.0, 0.3]], atol=1e-6)
    assert model.inverse_transform(blocks[:, 0]).shape == (1, 2, 2)
    np.testing.assert_allclose(model.inverse_transform(blocks[0, 0])[:, 0], [4, -4])
    plan = solve(
        SEARCHES["CEM"](model), model, {"state": world.start(frames_at(0.0)[:, None])}, 1, horizon=2, action_block=2
    )
    assert plan.shape == (1, 2, 4)
    assert model.inverse_transform(plan)[0, :, 0] == pytest.approx([-4] * 4, abs=1)


def test_choices_are_searched_for_by_their_scores(make_line: Callable, frames_at: Callable) -> None:
    """Choice 2 of three moves to the right by a step, towards the peak three steps away."""
    world = make_line(gym.spaces.Discrete(3), moves=(-1.0, 0.0, 1.0))
    model = CostModel(world)
    assert model.action_space(2).shape == (2, 3)
    plan = solve(SEARCHES["CEM"](model), model, {"state": world.start(frames_at(0.0)[:, None])}, 1, horizon=3)
    assert model.inverse_transform(plan).tolist() == [[2, 2, 2]]


def test_gradients_reach_the_candidates(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    model = CostModel(world, nearness)
    info = {"state": world.start(frames_at(0.0)[:, None]), "goal": frames_at(0.1)}
    solver = solvers.GradientSolver(
        model, n_steps=30, batch_size=1, num_samples=1, optimizer_cls=torch.optim.Adam, optimizer_kwargs={"lr": 0.1}
    )
    plan = solve(solver, model, info, 1)
    np.testing.assert_allclose(plan[0, :, 0].detach(), [0.5, 0, 0, 0], atol=0.1)


def test_gradients_still_work_after_a_solver_in_inference_mode(make_line: Callable, frames_at: Callable) -> None:
    world, dreamt = make_line(), []
    model = CostModel(world, lambda rollout, goal: dreamt.append(rollout.frames) or rollout.rewards.sum(dim=1))
    with torch.inference_mode():
        model.get_cost({"state": world.start(frames_at(0.0)[:, None])}, torch.zeros(1, 2, 3, 1))
    assert not dreamt[0].is_inference()
    assert not dreamt[0].requires_grad


@pytest.mark.parametrize("max_batch", [1, 3, 100])
def test_chunks_change_nothing_but_the_batch(max_batch: int, make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    info = {
        "state": world.start(frames_at(-0.5, 0.1)[:, None]),
        "goal": frames_at(0.5, -0.5)[:, None].expand(-1, 4, -1, -1, -1),
    }
    plans = torch.linspace(-1, 1, 2 * 4 * 3).reshape(2, 4, 3, 1)
    whole = CostModel(world, nearness).get_cost(info, plans)
    world.network.imagined.clear()
    torch.testing.assert_close(CostModel(world, nearness, max_batch=max_batch).get_cost(info, plans), whole)
    assert max(len(context.frames) for context in world.network.imagined) == min(max_batch, 8)


def test_dreams_may_start_from_pixels(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    model = CostModel(world, nearness)
    past, goal = torch.stack([frames_at(0.0, -0.4), frames_at(0.2, -0.2)], dim=1), frames_at(0.6, 0.2)
    plans = torch.rand(2, 5, 3, 1, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pixels = {"pixels": frames_to_pixels(past), "goal": frames_to_pixels(goal)[:, None]}  # [b, k, h, w, c]
    repeated = {name: value[:, None].expand(-1, 5, *value.shape[1:]) for name, value in pixels.items()}
    expected = model.get_cost({"state": world.start(past), "goal": goal[:, None].expand(-1, 5, -1, -1, -1)}, plans)
    torch.testing.assert_close(model.get_cost(repeated, plans), expected, atol=0.02, rtol=0)
    torch.testing.assert_close(model.criterion(repeated, plans), model.get_cost(repeated, plans))


def test_dreams_start_from_the_actions_between_the_pixels_too(make_line: Callable, frames_at: Callable) -> None:
    world = make_line(gym.spaces.Box(-4, 4, (2,)), moves=(1.0, 0.0))
    pixels, history = torch.stack([frames_at(0.0), frames_at(0.2)], dim=1), torch.tensor([[[[0.5, -0.25]]]])
    info = {"pixels": pixels[:, None].expand(-1, 3, -1, -1, -1, -1), "action_history": history.expand(-1, 3, -1, -1)}
    CostModel(world).get_cost(info, torch.zeros(1, 3, 2, 2))
    frame, context = world.network.started[0]
    torch.testing.assert_close(frame, pixels[:, -1])
    assert context.actions[:, -1].tolist() == [[0.5, -0.25]]
    assert context.action_mask[:, -1].all()


def test_filler_of_a_short_history_is_no_past(make_line: Callable, frames_at: Callable) -> None:
    """The second lane has just been reset: its only frame is repeated, with zeros for actions."""
    world = make_line()
    pixels = torch.stack([frames_at(0.0, 0.3), frames_at(0.2, 0.3)], dim=1)[:, None]
    info = {"pixels": pixels, "action_history": torch.tensor([1.0, 0.0])[:, None, None, None]}
    CostModel(world).get_cost(info, torch.zeros(2, 1, 2, 1))
    _, context = world.network.started[0]
    assert context.action_mask[:, -1].tolist() == [True, False]


def test_frames_that_are_several_steps_apart_are_no_context(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    pixels = torch.stack([frames_at(0.0), frames_at(0.4)], dim=1)[:, None]
    info = {"pixels": pixels, "action_history": torch.ones(1, 1, 1, 2)}
    costs = CostModel(world).get_cost(info, torch.tensor([[[[1.0, 0.0]]]]))
    _, context = world.network.started[0]
    assert not context.action_mask.any()
    assert costs.item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(
        ValueError, match=r"the 1 blocks .* between 2 frames, \[1, n, 1, m \* 1\], got \[1, 'n', 3, 1\]"
    ):
        CostModel(world).get_cost({**info, "action_history": torch.ones(1, 1, 3, 1)}, torch.ones(1, 1, 1, 1))


def test_the_newest_of_several_goals_counts(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    info = {"state": world.start(frames_at(0.0)[:, None])}
    goals = [torch.stack([frames_at(old), frames_at(0.2)], dim=1)[:, None] for old in (-0.9, 0.9)]
    costs = [CostModel(world, nearness).get_cost({**info, "goal": goal}, torch.ones(1, 1, 1, 1)) for goal in goals]
    assert costs[0].item() == costs[1].item() == pytest.approx(0, abs=1e-6)


def test_the_settings_reach_the_world(
    make_line: Callable, frames_at: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, options, started = make_line(), [], []
    rollout, start = world.rollout, world.start
    monkeypatch.setattr(world, "rollout", lambda *args, **kwargs: options.append(kwargs) or rollout(*args, **kwargs))
    monkeypatch.setattr(world, "start", lambda *given, **how: started.append(how) or start(*given, **how))
    info = {"pixels": frames_at(0.0)[:, None, None], "goal": frames_at(0.1)[:, None]}
    model = CostModel(world, GoalImage(), num_sampling_steps=2, seed=5)
    model.get_cost(info, torch.zeros(1, 1, 2, 1))
    assert (options[0]["num_sampling_steps"], options[0]["frames_only"]) == (2, True)
    assert started == [{"seed": 5}]


def test_actions_are_encoded_and_decoded_as_their_policies_ask(make_line: Callable) -> None:
    model = CostModel(make_line())
    encoded = model.transform(np.array([[4.0], [-2.0]], dtype=np.float32))
    assert encoded.tolist() == [[1.0], [-0.5]]
    assert model.inverse_transform(encoded).tolist() == [[4.0], [-2.0]]
    assert model.inverse_transform(torch.tensor([[3.0], [0.5]])).tolist() == [[4.0], [2.0]]


def test_wrong_arguments_are_refused(make_line: Callable, frames_at: Callable) -> None:
    with pytest.raises(ValueError, match="`objective` must not need rewards .* Pass another objective"):
        CostModel(make_line(has_reward=False))
    world = make_line(gym.spaces.Box(-4, 4, (2,)), moves=(1.0, 0.0))
    model, state = CostModel(world), world.start(frames_at(0.0)[:, None])
    with pytest.raises(ValueError, match=r"multiple of the 2 numbers .*got shape \(1, 4, 3, 3\). Configure the solver"):
        model.get_cost({"state": state}, torch.zeros(1, 4, 3, 3))
    with pytest.raises(ValueError, match=r"`info_dict` must hold a WorldState as 'state', or 'pixels', got \['goal'\]"):
        model.get_cost({"goal": frames_at(0.0)}, torch.zeros(1, 4, 3, 2))
