"""MPPI with the proposals of a policy among its candidates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vdworld.agents.agent import Agent
from vdworld.agents.planning.mppi import MPPI
from vdworld.agents.planning.problem import PlanningProblem
from vdworld.agents.predicting_agent import as_agent
from vdworld.spaces import ActionCodec
from vdworld.types import Actions, Frame, LaneIntegers
from vdworld.world import WorldState

EncodedPolicy = Callable[[WorldState], Tensor]
"""Maps the state of m dreams, whose features are ``state.features``, to one encoded action each ``[m, a]``."""


class PolicyGuidedMPPI:
    """Run a policy in dreams, and search among and around its plans (TD-MPC2, Hansen et al. 2024, section 3.2).

    A learnt value of the last state belongs to the objective, ``Return(discount, value=policy.value)``, as there.

    Args:
        policy: A function of the dreams' state that returns encoded actions; or an agent or anything with ``predict``,
            which observes frames. An agent is reset for every plan, with the dreams' own past as its context and the
            planner's goals, so that it must not act elsewhere at the same time. The planner's random stream seeds it.
        search: The search around the proposals.
        num_proposals: Dreams of the policy per lane, each a candidate; 1 suffices for a deterministic policy. TD-MPC2
            uses 24 of 512.
    """

    def __init__(self, policy: Any, search: MPPI | None = None, *, num_proposals: int = 4) -> None:
        self.search = search or MPPI()
        if not 1 <= num_proposals < self.search.num_candidates:
            raise ValueError(f"`num_proposals` must lie in 1..{self.search.num_candidates - 1}, got {num_proposals}.")
        is_function = callable(policy) and not hasattr(policy, "predict") and not isinstance(policy, Agent)
        self.policy: Any = policy if is_function else as_agent(policy)
        self.horizon, self.num_proposals = self.search.horizon, num_proposals

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the mean of the last Gaussian, ``[b, t, a]``; its score is not computed."""
        evaluator, num_lanes = problem.evaluator, len(problem.guess)
        lanes = torch.arange(num_lanes, device=problem.guess.device).repeat_interleave(self.num_proposals)
        chunks = lanes.split(evaluator.max_plans)
        plans = [
            evaluator.roll_out_policy(chunk, self._encoded_policy(problem, chunk), self.horizon) for chunk in chunks
        ]
        proposals = torch.cat(plans).unflatten(0, (num_lanes, self.num_proposals))
        return self.search.search(problem, proposals)

    def _encoded_policy(self, problem: PlanningProblem, lanes: LaneIntegers) -> EncodedPolicy:
        """Return the policy as a function of states, for dreams that begin in the lanes ``[m]``."""
        policy, is_first, goals = self.policy, True, problem.evaluator.goal
        if not isinstance(policy, Agent):
            return policy

        def act(state: WorldState) -> Tensor:
            nonlocal is_first
            if is_first:
                seed = int(torch.randint(2**31, (), generator=problem.rng))
                _reset_agent(policy, state, problem.codec, None if goals is None else goals[lanes], seed)
                is_first = False
            return problem.codec.encode(policy.act(state.frame)).to(state.frame)

        return act


def _reset_agent(agent: Agent, state: WorldState, codec: ActionCodec, goal: Frame | None, seed: int) -> None:
    """Reset an agent for dreams in progress, with as much of each lane's past as the state holds."""
    lengths = state.action_mask.flip(1).int().cumprod(dim=1).sum(dim=1)
    flat, shortest = codec.decode_flat(state.actions), int(lengths.min())
    for length in lengths.unique().tolist():
        first = state.action_mask.shape[1] - length
        lanes = None if length == shortest else lengths == length
        agent.reset(lanes, seed if lanes is None else None, goal, (state.frames[:, first:], flat[:, first:]))
