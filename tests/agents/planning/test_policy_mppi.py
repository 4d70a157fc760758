from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from vdworld.agents import MPPI, Planner, PolicyGuidedMPPI, Return
from vdworld.world import WorldState


def go_to(place: float) -> Callable[[WorldState], torch.Tensor]:
    """A policy on the line that heads for a place; it reads where it is off the features."""
    return lambda state: ((place - state.features) / 0.2).clamp(-1, 1)


def test_a_policys_proposal_wins_where_the_search_alone_finds_nothing(make_line: Callable, frames_at: Callable) -> None:
    """Only a narrow stretch far away pays, which a dozen random plans never reach."""

    def objective(rollout: Any, goal: torch.Tensor | None) -> torch.Tensor:
        return ((rollout.frames[:, -1, 0, 0, 0] - 0.9).abs() < 0.05).float() * 100

    world = make_line()
    state = world.start(frames_at(-0.5, -0.3)[:, None])
    search = MPPI(8, 12, 2, num_elites=3, std_max=0.1)
    alone = Planner(world, search, objective).plan(state)
    guided = Planner(world, PolicyGuidedMPPI(go_to(0.9), search, num_proposals=1), objective).plan(state)
    assert alone.scores.tolist() == [0, 0]
    assert guided.scores.tolist() == [100, 100]


def test_a_critic_values_what_follows_the_horizon(make_line: Callable, frames_at: Callable) -> None:
    """Near rewards lie to the right; what a dream ends with is worth more the further left it is."""
    world = make_line()
    state = world.start(frames_at(0.0)[:, None])
    method = PolicyGuidedMPPI(go_to(0.6), MPPI(2, 64, 4), num_proposals=2)
    right = Planner(world, method).plan(state).actions
    left = Planner(world, method, Return(value=lambda state: -50 * state.features[:, 0])).plan(state).actions
    assert (right > 0.5).all()
    assert (left < -0.5).all()


class RecordingAgent:
    """An agent that goes right by a fixed step, and records what it receives."""

    def __init__(self) -> None:
        self.batch_sizes: list[int] = []
        self.resets: list[tuple[Any, Any, Any]] = []
        self.goal: Any = None

    def reset(self, mask: Any = None, seed: Any = None, goal: Any = None, context: Any = None) -> None:
        self.goal, (frames, actions) = goal, context
        places = frames[:, :, 0, 0, 0].tolist()
        self.resets.append((None if mask is None else mask.tolist(), places, actions[..., 0].tolist()))

    def act(self, observation: torch.Tensor) -> Any:
        self.batch_sizes.append(len(observation))
        return np.full((len(observation), 1), 2.0, np.float32)


class Predicting:
    """The same as a policy of Stable-Baselines3."""

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> Any:
        return np.full((len(observation), 1), 2.0, np.float32), None


def test_agents_and_policies_of_other_libraries_propose_in_environment_units(
    make_line: Callable, frames_at: Callable
) -> None:
    proposals_seen: list[torch.Tensor] = []

    class Spying(MPPI):
        def search(self, problem: Any, proposals: torch.Tensor) -> Any:
            proposals_seen.append(proposals)
            return super().search(problem, proposals)

    world, agent = make_line(), RecordingAgent()
    state = world.start(frames_at(-0.5, 0.1, 0.2)[:, None])
    for policy in (agent, Predicting()):
        method = PolicyGuidedMPPI(policy, Spying(4, 8, 1, num_elites=2), num_proposals=2)
        Planner(world, method, max_batch=4).plan(state)
        assert torch.equal(proposals_seen[-1], torch.full((3, 2, 4, 1), 0.5))  # 2 of 4
    assert (agent.batch_sizes, len(agent.resets)) == ([4] * 4 + [2] * 4, 2)


def test_an_agent_is_reset_with_the_past_of_each_dream_in_environment_units(
    make_line: Callable, frames_at: Callable
) -> None:
    world, agent = make_line(), RecordingAgent()
    frames = torch.stack([frames_at(0.0, 0.5), frames_at(0.25, 0.75)], dim=1)
    state = world.start(frames, np.array([[[4.0]], [[2.0]]], np.float32))
    fresh = world.start(frames_at(0.1, 0.9)[:, None])
    state = state.replace(torch.tensor([False, True]), fresh)
    planner = Planner(world, PolicyGuidedMPPI(agent, MPPI(2, 4, 1, num_elites=2), num_proposals=1))
    planner.plan(state, goal=frames_at(0.3, -0.3))
    (first, places, nothing), (second, more, actions) = agent.resets
    assert (first, second) == (None, [True, False]), "all lanes, and again those with a longer past"
    assert torch.equal(agent.goal, frames_at(0.3, -0.3))
    assert (nothing, actions[0]) == ([[], []], [4.0])
    assert (places[1], more[0]) == ([pytest.approx(0.9)], [0.0, 0.25])


class Wavering(RecordingAgent):
    """An agent that moves at random."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng()

    def reset(self, mask: Any = None, seed: Any = None, goal: Any = None, context: Any = None) -> None:
        if seed is not None:
            self.rng = np.random.default_rng(seed)

    def act(self, observation: torch.Tensor) -> Any:
        return self.rng.uniform(-4, 4, (len(observation), 1)).astype(np.float32)


def test_the_planners_seed_seeds_the_policy_too(make_line: Callable, frames_at: Callable) -> None:
    method = PolicyGuidedMPPI(Wavering(), MPPI(3, 8, 1, num_elites=2, std_max=0.05), num_proposals=4)
    planner, actions = Planner(make_line(), method, max_batch=4, replan_every=1), []
    for seed in (5, 5, 6):
        planner.reset(seed=seed)
        actions.append(np.concatenate([planner.act(frames_at(0.0, 0.4)) for _ in range(3)]).ravel().tolist())
    assert actions[0] == actions[1]
    assert actions[0] != actions[2]
    assert len(set(actions[0])) == 6


def test_the_policys_own_dreams_are_counted(make_line: Callable, frames_at: Callable) -> None:
    world = make_line()
    method = PolicyGuidedMPPI(go_to(0.5), MPPI(3, 8, 2, num_elites=2), num_proposals=2)
    planner = Planner(world, method)
    planner.plan(world.start(frames_at(0.0)[:, None]))
    plans = 2 + 2 + 2 * 6 + 1  # proposed, scored, drawn twice, and the mean in the end
    assert planner.num_imagined == 3 * plans
    assert planner.num_evaluations == 2 * 3 * plans


def test_anything_but_a_policy_is_refused() -> None:
    with pytest.raises(TypeError, match="`policy` must be an agent"):
        PolicyGuidedMPPI(3)
    with pytest.raises(ValueError, match=r"`num_proposals` must lie in 1\.\.63, got 64"):
        PolicyGuidedMPPI(go_to(0.0), num_proposals=64)
