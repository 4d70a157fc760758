"""MPPI with a policy's proposals among its candidates."""

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
    """Let a policy act in dreams, and search among and around what it did (TD-MPC2, Hansen et al. 2024, section 3.2).

    A learnt value of where a dream ends belongs to the objective, ``Return(discount, value=policy.value)``, as there.

    Args:
        policy: A function of the dreams' state that returns encoded actions; or an agent or anything with ``predict``,
            which sees frames. An agent begins anew for every plan, with what the dreams remember as its context and
            the planner's goals, so that it should not be acting elsewhere.
        search: The search around the proposals.
        num_proposals: Dreams of the policy per lane, each a candidate; 1 is all that a policy without chance needs.
            TD-MPC2 has 24 among 512.
    """

    def __init__(self, policy: Any, search: MPPI | None = None, *, num_proposals: int = 4) -> None:
        self.search = search or MPPI()
        if not 1 <= num_proposals < self.search.num_candidates:
            raise ValueError(f"`num_proposals` must lie in 1..{self.search.num_candidates - 1}, got {num_proposals}.")
        functional = callable(policy) and not hasattr(policy, "predict") and not isinstance(policy, Agent)
        self.policy: Any = policy if functional else as_agent(policy)
        self.horizon, self.num_proposals = self.search.horizon, num_proposals

    @torch.no_grad()
    def plan(self, problem: PlanningProblem) -> Actions:
        """Return the mean of the last Gaussian, ``[b, t, a]``; it is not scored here."""
        lanes = torch.arange(len(problem.guess), device=problem.guess.device).repeat_interleave(self.num_proposals)
        parts = lanes.split(problem.imagination.max_plans)
        found = [problem.imagination.follow(some, self._encoded(problem, some), self.horizon) for some in parts]
        proposals = torch.cat(found)
        return self.search.search(problem, proposals.unflatten(0, (len(problem.guess), self.num_proposals)))

    def _encoded(self, problem: PlanningProblem, lanes: LaneIntegers) -> EncodedPolicy:
        """Return the policy as a function of states, for dreams that begin in the lanes ``[m]``."""
        policy, begun, goals = self.policy, False, problem.imagination.goal
        if not isinstance(policy, Agent):
            return policy

        def act(state: WorldState) -> Tensor:
            nonlocal begun
            if not begun:
                _begin(policy, state, problem.codec, None if goals is None else goals[lanes])
                begun = True
            return problem.codec.encode(policy.act(state.frame)).to(state.frame)

        return act


def _begin(agent: Agent, state: WorldState, codec: ActionCodec, goal: Frame | None) -> None:
    """Let an agent begin where dreams stand, each lane with as much of a past as is known."""
    pasts = state.action_mask.flip(1).int().cumprod(dim=1).sum(dim=1)
    flat, shortest = codec.decode_flat(state.actions), int(pasts.min())
    for past in pasts.unique().tolist():
        first = state.action_mask.shape[1] - past
        lanes = None if past == shortest else pasts == past
        agent.reset(mask=lanes, goal=goal, context=(state.frames[:, first:], flat[:, first:]))
