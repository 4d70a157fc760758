"""An agent that looks for good plans in a world, and follows them for a few steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vdworld.agents.objectives import Objective, Return
from vdworld.agents.planning.cross_entropy import CrossEntropy
from vdworld.agents.planning.imagination import Imagination
from vdworld.agents.planning.problem import PlanningMethod, PlanningProblem, shifted
from vdworld.spaces import unflatten_action
from vdworld.types import Actions, Frame, Frames, LaneMask, PerLane, RawActions
from vdworld.world import WorldModel, WorldState


@dataclass(frozen=True)
class Plan:
    """What a planner decided, and what it cost.

    Args:
        actions: Encoded and legal ``[b, t, a]``; ``world.action_codec.decode`` returns them in the environment's units.
        scores: What they are worth in dreams ``[b]``.
        num_evaluations: Passes through the network, each lane counted; see ``Imagination``.
        seconds: Time it took.
    """

    actions: Actions
    scores: PerLane
    num_evaluations: int
    seconds: float


class Planner:
    """Plan by imagining many futures, execute the first steps of the best, and plan again.

    All lanes plan at the same time, and all candidates of all lanes are imagined in one batch (or in chunks of
    `max_batch`). The candidates of a lane share its noise, so that they differ by their actions alone.

    Args:
        world: Where futures are imagined.
        method: The search.
        objective: Rates a rollout; see ``vdworld.agents.objectives``.
        replan_every: Steps of a plan that are executed before the next one; None is half the horizon.
        num_sampling_steps: Network evaluations per imagined frame; None takes the world's own number.
        max_batch: Most lanes imagined at once.
        seed: Of the search and of the dreams.
        num_particles: Dreams per plan, each with noise of its own; their mean score counts.
        risk: How many standard deviations over the particles are taken off the mean.
        uncertainty_penalty: Weight of the mean uncertainty of a dream, which is taken off; asking for it doubles the
            cost.

    Attributes:
        last_plan: The plan that is being followed; None before the first.
        num_plans: Plans made so far.
        num_imagined: Frames imagined so far.
        num_evaluations: Passes through the network so far.
        seconds: Time spent on plans so far.
    """

    def __init__(
        self,
        world: WorldModel,
        method: PlanningMethod | None = None,
        objective: Objective | None = None,
        *,
        replan_every: int | None = None,
        num_sampling_steps: int | None = None,
        max_batch: int = 256,
        seed: int = 0,
        num_particles: int = 1,
        risk: float = 0.0,
        uncertainty_penalty: float = 0.0,
    ) -> None:
        self.world, self.method, self.objective = world, method or CrossEntropy(), objective or Return()
        self.replan_every = replan_every or max(self.method.horizon // 2, 1)
        if not 1 <= self.replan_every <= self.method.horizon:
            raise ValueError(f"`replan_every` must lie in 1..{self.method.horizon}, got {replan_every}.")
        if getattr(self.objective, "needs_rewards", False) and not world.has_reward:
            raise ValueError(
                "`objective` Return needs rewards, and this world was trained on data without any. "
                "Give another objective: any function of a Rollout and the goal frames."
            )
        if not 1 <= num_particles <= max_batch:
            raise ValueError(f"`num_particles` must lie in 1..{max_batch} (`max_batch`), got {num_particles}.")
        if risk and num_particles == 1:
            raise ValueError(f"`risk` must be 0 with a single particle, got {risk}. Raise `num_particles`.")
        if uncertainty_penalty < 0:
            raise ValueError(f"`uncertainty_penalty` must not be negative, got {uncertainty_penalty}.")
        self.num_sampling_steps, self.max_batch, self.seed = num_sampling_steps, max_batch, seed
        self.num_particles, self.risk, self.uncertainty_penalty = num_particles, risk, uncertainty_penalty
        self.num_plans = self.num_imagined = self.num_evaluations = 0
        self.seconds = 0.0
        self.rng = torch.Generator().manual_seed(seed)
        self.reset()

    def reset(
        self,
        mask: LaneMask | None = None,
        seed: int | None = None,
        goal: Frame | None = None,
        context: tuple[Frames, Tensor] | None = None,
    ) -> None:
        """Begin new episodes; see ``Agent.reset``. All lanes begin together, so that `mask` must be None or all true.

        Raises:
            ValueError: A partial `mask`.
        """
        if mask is not None and not bool(torch.as_tensor(mask).all()):
            raise ValueError(f"`mask` must select all lanes: this planner starts them together, got {mask}.")
        if seed is not None:
            self.seed = seed
            self.rng.manual_seed(seed)
        self.goal = goal
        self._past: tuple[Frames, RawActions] | None = None
        if context is not None:
            self._past = context[0][:, :-1].float().cpu(), torch.as_tensor(context[1]).float().cpu()
        self.last_plan: Plan | None = None
        self._memory: dict[str, Any] = {}
        self._age, self._count = 0, 0

    @torch.no_grad()
    def act(self, observation: Frame) -> Any:
        """Choose one action per lane ``[b, ...]`` in the environment's units."""
        frames, actions = self._see(observation)
        if self.last_plan is None or self._age >= self.replan_every:
            native = anchor = None
            if actions.shape[1]:
                native = unflatten_action(self.world.action_space, actions)
                anchor = self.world.action_codec.encode_flat(actions[:, -1].to(self.world.device))
            state = self.world.start(frames, native, seed=self.seed + 7919 * self._count)
            self.last_plan, self._age = self._follow_up(state, anchor), 0
        encoded = self.last_plan.actions[:, self._age]
        self._age, self._count = self._age + 1, self._count + 1
        flat = self.world.action_codec.decode_flat(encoded).cpu()
        self._past = frames, torch.cat([actions, flat[:, None]], dim=1)
        return self.world.action_codec.decode(encoded)

    @torch.no_grad()
    def plan(
        self,
        state: WorldState,
        *,
        guess: Actions | None = None,
        anchor: Tensor | None = None,
        goal: Frame | None = None,
        elapsed: int | None = None,
        memory: dict[str, Any] | None = None,
    ) -> Plan:
        """Plan from any state, without acting.

        Args:
            state: Where the plans begin, b lanes.
            guess: Plans to start from, encoded ``[b, t, a]`` with t the horizon; None holds the last action.
            anchor: The last action, encoded ``[b, a]``; None where there is none.
            goal: Frames to reach ``[b, c, h, w]``; None takes those of the last reset.
            elapsed: Steps executed since the last plan of the episode, for methods that go on from it.
            memory: What such a method kept then; it is changed in place.

        Raises:
            ValueError: Goals for another number of lanes, or a method that returns something else than b plans.
        """
        began, codec = self._now(), self.world.action_codec
        goal = self.goal if goal is None else goal
        if goal is not None and len(goal) != len(state):
            raise ValueError(f"`goal` must hold one frame per lane, {len(state)}, got {len(goal)}.")
        if guess is None:
            guess = torch.zeros(len(state), self.method.horizon, codec.dim, device=self.world.device)
            guess = guess if anchor is None else guess + anchor[:, None]
        given = {"codec": codec, "rng": self.rng, "anchor": anchor, "elapsed": elapsed, "memory": memory}
        problem = PlanningProblem(guess, imagination=self._imagination(state, goal), **given)
        actions = codec.project(self._solved(problem))
        known = bool(problem.best_score.isfinite().all()) and torch.equal(actions, problem.best_plan)
        scores = problem.best_score if known else problem.score(actions[:, None])[:, 0]
        plan = Plan(actions, scores, problem.imagination.num_evaluations, self._now() - began)
        self.num_plans, self.num_imagined = self.num_plans + 1, self.num_imagined + problem.imagination.num_frames
        self.num_evaluations, self.seconds = self.num_evaluations + plan.num_evaluations, self.seconds + plan.seconds
        return plan

    def _see(self, observation: Frame) -> tuple[Frames, RawActions]:
        """Return the last K + 1 frames with the newest, and the flat actions between them."""
        frame, k = observation.float().cpu()[:, None], self.world.context_length
        if self._past is None:
            return frame, torch.zeros(len(frame), 0, len(self.world.action_codec.num_choices))
        frames, actions = self._past
        return torch.cat([frames[:, -k:], frame], dim=1), actions[:, -k:]

    def _follow_up(self, state: WorldState, anchor: Tensor | None) -> Plan:
        """Plan on from what is left of the last plan."""
        if self.last_plan is None:
            return self.plan(state, anchor=anchor, memory=self._memory)
        guess = shifted(self.last_plan.actions, self._age)
        return self.plan(state, guess=guess, anchor=anchor, elapsed=self._age, memory=self._memory)

    def _solved(self, problem: PlanningProblem) -> Actions:
        """Return what the method says, if it has the right shape."""
        actions, shape = self.method.plan(problem), problem.guess.shape
        if actions.shape != shape:
            name = type(self.method).__name__
            raise ValueError(
                f"`plan` of {name} must return one plan per lane, {list(shape)}, got {list(actions.shape)}."
            )
        return actions

    def _imagination(self, state: WorldState, goal: Frame | None) -> Imagination:
        return Imagination(
            self.world,
            state,
            self.objective,
            goal,
            num_sampling_steps=self.num_sampling_steps,
            max_batch=self.max_batch,
            num_particles=self.num_particles,
            risk=self.risk,
            uncertainty_penalty=self.uncertainty_penalty,
        )

    def _now(self) -> float:
        """Return the time when all that was begun is done."""
        if self.world.device.type == "cuda":
            torch.cuda.synchronize(self.world.device)
        return time.perf_counter()
