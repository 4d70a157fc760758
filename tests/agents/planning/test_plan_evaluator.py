"""Claims about the evaluation of plans: what dreams cost, and how particles, risk and uncertainty affect a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.agents.planning.analytic_problems import rng
from tests.envs.random_world import random_world
from vdworld.agents import GoalFeatures, Planner, PlanningProblem, RandomShooting, Return, Sum
from vdworld.agents.planning.plan_evaluator import PlanEvaluator, evaluations_per_frame
from vdworld.types import Actions
from vdworld.world import Rollout, Sampling, WorldModel, build


def record_batch_sizes(world: WorldModel) -> list[int]:
    """Return a list to which every network evaluation adds its number of lanes."""
    lanes: list[int] = []
    forward, commit = world.network.forward, world.network.commit

    def recording(function: Callable) -> Callable:
        return lambda frame, *rest: lanes.append(len(frame)) or function(frame, *rest)

    world.network.forward, world.network.commit = recording(forward), recording(commit)
    return lanes


def brightness(rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
    return rollout.frames.mean(dim=(1, 2, 3, 4))


class Brightness:
    """The same, without rewards."""

    frames_only = True

    def __call__(self, rollout: Rollout, goal: torch.Tensor | None) -> torch.Tensor:
        return brightness(rollout, goal)


class Gradients:
    """Compute gradients once."""

    horizon = 3

    def plan(self, problem: PlanningProblem) -> Actions:
        problem.score_with_gradients(problem.guess[:, None].repeat(1, 5, 1, 1))
        return problem.best_plan


@pytest.mark.parametrize("method", [RandomShooting(3, 5), Gradients()], ids=["scores", "gradients"])
@pytest.mark.parametrize(
    ("objective", "settings"),
    [
        (brightness, {}),
        (Return(), {"num_particles": 3, "risk": 1.0}),
        (Return(), {"uncertainty_penalty": 1.0, "num_sampling_steps": 2}),
        (Brightness(), {"max_batch": 4}),
        (Brightness(), {"num_sampling_steps": 3}),
        (Brightness(), {"uncertainty_penalty": 1.0}),
        (Sum([Brightness(), Return()]), {}),
    ],
)
def test_every_network_evaluation_is_counted(method: Any, objective: Any, settings: dict[str, Any]) -> None:
    world = random_world()
    state, lanes = world.sample_start(2), record_batch_sizes(world)
    plan = Planner(world, method, objective, **settings).plan(state)
    assert plan.num_evaluations == sum(lanes)
    assert max(lanes) <= settings.get("max_batch", 256)


@pytest.mark.parametrize("objective", [Brightness(), Return()])
def test_a_world_with_a_cache_reads_features_from_every_frame(objective: Any) -> None:
    small = {"_target_": "vdworld.networks.Transformer", "width": 16, "depth": 2, "head_dim": 8, "patch": 4}
    sizes = {"frame_channels": 3, "image_size": (8, 16), "action_dim": 2, "context_length": 3, "feature_dim": 16}
    like = random_world()
    parts = {"process": like.process, "heads": like.heads, "action_codec": like.action_codec, "starts": like.starts}
    world = WorldModel(network=build(small, **sizes), image_size=(8, 16), **parts).requires_grad_(False)
    state, lanes = world.sample_start(2), record_batch_sizes(world)
    assert state.cache is not None
    plan = Planner(world, RandomShooting(3, 5), objective).plan(state)
    assert plan.num_evaluations == sum(lanes) == 2 * 5 * 3 * 2


def test_the_features_of_a_goal_are_counted_too() -> None:
    world = random_world()
    state = world.sample_start(2)
    objective = GoalFeatures(world)
    planner = Planner(world, RandomShooting(3, 5), Sum([objective, Return()]))
    lanes = record_batch_sizes(world)
    plans = [planner.plan(state, goal=state.frame) for _ in range(2)]
    assert [plan.num_evaluations for plan in plans] == [2 * 5 * 3 * 3 + 2] * 2
    assert planner.num_evaluations == sum(lanes) == 2 * plans[0].num_evaluations


@pytest.mark.parametrize("sampler", ["euler", "heun"])
@pytest.mark.parametrize(
    "guidance",
    [{}, {"action_guidance": 2.0}, {"history_guidance": 2.0}, {"history_guidance": 2.0, "history_noise": 1.0}],
)
def test_evaluations_per_frame_count_the_sampler_and_guidance(sampler: str, guidance: dict) -> None:
    world = random_world()
    world.trained_without = ("actions", "history")
    world.sampling = Sampling(sampler, num_steps=3, **guidance)
    state = world.sample_start(1)
    lanes = record_batch_sizes(world)
    world.step(state, [[0.0, 0.0]])
    assert evaluations_per_frame(world) == len(lanes) - 1
    world.sampling = Sampling(sampler, num_steps=1, **guidance)
    lanes.clear()
    world.step(state, [[0.0, 0.0]], num_sampling_steps=2)
    assert evaluations_per_frame(world, 2) == len(lanes) - 1


def test_gradients_by_hand(make_line: Callable, frames_at: Callable) -> None:
    """A step of the line is 0.2 a; the rewards are -(place - 0.6)^2, so that a_t moves all places from t on."""
    world = make_line()
    state = world.start(frames_at(0.1, -0.2)[:, None])
    plans = torch.rand(2, 3, 4, 1, generator=rng()) - 0.5
    places = torch.tensor([0.1, -0.2])[:, None, None] + 0.2 * plans[..., 0].cumsum(dim=-1)  # [b, n, t]
    each = -2 * (places - 0.6) * 0.2
    expected = each.flip(-1).cumsum(dim=-1).flip(-1)
    evaluator = PlanEvaluator(world, state, Return())
    problem = PlanningProblem(plans[:, 0], codec=world.action_codec, rng=rng(), evaluator=evaluator)
    scores, gradients = problem.score_with_gradients(plans)
    torch.testing.assert_close(gradients[..., 0], expected)
    torch.testing.assert_close(scores, -(places - 0.6).square().sum(dim=-1))


def test_gradients_are_the_same_whatever_the_chunks() -> None:
    world = random_world()
    state, plans = world.sample_start(2), torch.rand(2, 3, 2, 2, generator=rng()) - 0.5
    results = []
    for max_batch in (256, 4):
        evaluator = PlanEvaluator(world, state, Return(), max_batch=max_batch)
        problem = PlanningProblem(plans[:, 0], codec=world.action_codec, rng=rng(), evaluator=evaluator)
        results.append(problem.score_with_gradients(plans))
    for whole, chunked in zip(*results, strict=True):
        torch.testing.assert_close(whole, chunked, rtol=1e-3, atol=1e-5)
    assert results[0][1].abs().max() > 1e-3


def test_scores_of_particles_are_averaged_and_their_deviation_is_a_risk() -> None:
    """The same as rolling out every particle by hand."""
    world = random_world()
    state, plans = world.sample_start(2), torch.rand(2, 3, 2, 2, generator=rng()) - 0.5
    particles = state.repeat(4, noise="independent")
    by_hand = torch.stack(
        [
            Return()(world.rollout(particles, plans[:, i].repeat_interleave(4, dim=0), encoded=True)).reshape(2, 4)
            for i in range(3)
        ],
        dim=1,
    )
    for risk in (0.0, 1.5):
        evaluator = PlanEvaluator(world, state, Return(), num_particles=4, risk=risk, max_batch=9)
        problem = PlanningProblem(plans[:, 0], codec=world.action_codec, rng=rng(), evaluator=evaluator)
        expected = by_hand.mean(dim=2) - risk * by_hand.std(dim=2, correction=0)
        torch.testing.assert_close(problem.score(plans), expected, rtol=1e-3, atol=1e-5)
    assert by_hand.std(dim=2).min() > 1e-3


def test_a_single_particle_is_the_lanes_own_dream() -> None:
    world = random_world()
    state, plans = world.sample_start(2), torch.rand(2, 1, 2, 2, generator=rng()) - 0.5
    evaluator = PlanEvaluator(world, state, Return())
    scores = evaluator.score(torch.arange(2), plans[:, 0])
    torch.testing.assert_close(scores, Return()(world.rollout(state, plans[:, 0], encoded=True)))


def test_uncertainty_is_subtracted_from_the_score() -> None:
    world = random_world()
    state, plans = world.sample_start(2), torch.rand(2, 2, 2, generator=rng()) - 0.5
    rollout = world.rollout(state, plans, encoded=True, with_uncertainty=True)
    assert rollout.uncertainty is not None
    expected = rollout.rewards.sum(dim=1) - 0.7 * rollout.uncertainty.mean(dim=1)
    evaluator = PlanEvaluator(world, state, lambda rollout, goal: rollout.rewards.sum(dim=1), uncertainty_penalty=0.7)
    torch.testing.assert_close(evaluator.score(torch.arange(2), plans), expected)
