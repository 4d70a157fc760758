"""An agent that plans in a world model, and executes the first steps of each plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vdworld.agents.checks import check_all_lanes, check_not_negative
from vdworld.agents.objectives import Objective, Return, check_objective
from vdworld.agents.planning.cross_entropy import CrossEntropy
from vdworld.agents.planning.plan_bar import plan_bar
from vdworld.agents.planning.plan_evaluator import PlanEvaluator
from vdworld.agents.planning.problem import PlanningMethod, PlanningProblem, shift_plans
from vdworld.argument_hints import refuse_world_path
from vdworld.memory_errors import out_of_memory
from vdworld.seeds import as_seed
from vdworld.spaces import unflatten_action
from vdworld.types import Actions, Frame, Frames, LaneMask, PerLane, RawActions
from vdworld.world import WorldModel, WorldState


@dataclass(frozen=True)
class Plan:
    """The plans of b lanes, and their cost.

    Args:
        actions: Encoded and legal ``[b, t, a]``; ``world.action_codec.decode`` returns them in the environment's units.
        scores: Their scores in dreams ``[b]``.
        num_evaluations: Network evaluations, each lane counted; see ``PlanEvaluator``.
        seconds: Wall-clock time.
    """

    actions: Actions
    scores: PerLane
    num_evaluations: int
    seconds: float


class Planner:
    """Imagine many plans, execute the first steps of the best, and plan again (model-predictive control).

    All lanes plan at the same time, and all candidates of all lanes are imagined in one batch (or in chunks of
    `max_batch`). The candidates of a lane share its noise, so that they differ by their actions alone.

    Args:
        world: The world to plan in.
        method: The search; None is ``CrossEntropy()``.
        objective: Scores a rollout; see ``vdworld.agents.objectives``. None is ``Return()``.
        replan_every: Steps of a plan that are executed before the next one; None means half the horizon.
        num_sampling_steps: Network evaluations per imagined frame. One draws the mean of what may follow, which ranks
            plans with the least noise. None takes the world's own number.
        max_batch: Most lanes imagined at once.
        seed: Seeds the search and the dreams.
        num_particles: Dreams per plan, each with noise of its own, whose scores are averaged.
        risk: How many standard deviations over the particles are subtracted from the mean.
        uncertainty_penalty: Weight of a dream's mean uncertainty, which is subtracted; it doubles the cost.
        progress: Whether plans that take longer than five seconds show a progress bar.

    Attributes:
        needs_goal: Whether the objective needs goal frames.
        last_plan: The plan in execution; None before the first.
        num_plans: Plans made so far.
        num_imagined: Frames imagined so far.
        num_evaluations: Network evaluations so far.
        seconds: Time spent on plans so far.

    Raises:
        ValueError: A number is out of range, or the objective needs rewards that the world does not predict.
    """

    def __init__(
        self,
        world: WorldModel,
        method: PlanningMethod | None = None,
        objective: Objective | None = None,
        *,
        replan_every: int | None = None,
        num_sampling_steps: int | None = 1,
        max_batch: int = 256,
        seed: int = 0,
        num_particles: int = 1,
        risk: float = 0.0,
        uncertainty_penalty: float = 0.0,
        progress: bool = True,
    ) -> None:
        refuse_world_path(world)
        if method is not None and not isinstance(method, PlanningMethod):
            raise TypeError(f"`method` must have `horizon` and `plan`, as CrossEntropy() has, got {method!r}.")
        self.world, self.method, self.objective = world, method or CrossEntropy(), objective or Return()
        self.replan_every = replan_every or max(self.method.horizon // 2, 1)
        if not 1 <= self.replan_every <= self.method.horizon:
            raise ValueError(f"`replan_every` must lie in 1..{self.method.horizon}, got {replan_every}.")
        check_objective(self.objective, world)
        self.needs_goal: bool = getattr(self.objective, "needs_goal", False)
        if not 1 <= num_particles <= max_batch:
            raise ValueError(f"`num_particles` must lie in 1..{max_batch} (`max_batch`), got {num_particles}.")
        if risk and num_particles == 1:
            raise ValueError(f"`risk` must be 0 with a single particle, got {risk}. Raise `num_particles`.")
        check_not_negative(uncertainty_penalty=uncertainty_penalty)
        self.num_sampling_steps, self.max_batch, self.seed = num_sampling_steps, max_batch, as_seed(seed)
        self.num_particles, self.risk, self.uncertainty_penalty = num_particles, risk, uncertainty_penalty
        self.num_plans = self.num_imagined = self.num_evaluations = 0
        self.progress = progress
        self.seconds = 0.0
        self.rng = torch.Generator().manual_seed(self.seed)
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
        check_all_lanes(mask)
        if seed is not None:
            self.seed = as_seed(seed)
            self.rng.manual_seed(self.seed)
        self.goal = goal
        self._past: tuple[Frames, RawActions] | None = None
        if context is not None:
            self._past = context[0][:, :-1].float().cpu(), torch.as_tensor(context[1]).float().cpu()
        self.last_plan: Plan | None = None
        self._method_state: dict[str, Any] = {}
        self._age, self._count = 0, 0

    @torch.no_grad()
    @out_of_memory("Lower `max_batch`, the largest number of dreams at once.")
    def act(self, observation: Frame) -> Any:
        """Choose one action per lane ``[b, ...]`` in the environment's units."""
        frames, actions = self._context(observation)
        if self.last_plan is None or self._age >= self.replan_every:
            native = anchor = None
            if actions.shape[1]:
                native = unflatten_action(self.world.action_space, actions)
                anchor = self.world.action_codec.encode_flat(actions[:, -1].to(self.world.device))
            state = self.world.start(frames, native, seed=self.seed + 7919 * self._count)
            self.last_plan, self._age = self._replan(state, anchor), 0
        encoded = self.last_plan.actions[:, self._age]
        self._age, self._count = self._age + 1, self._count + 1
        executed = self.world.action_codec.decode(encoded)
        self._past = frames, torch.cat([actions, self.world.action_codec.flatten(executed)[:, None]], dim=1)
        return executed

    @torch.no_grad()
    def plan(
        self,
        state: WorldState,
        *,
        guess: Actions | None = None,
        anchor: Tensor | None = None,
        goal: Frame | None = None,
        elapsed: int | None = None,
        method_state: dict[str, Any] | None = None,
    ) -> Plan:
        """Plan from any state, without acting.

        Args:
            state: The states that the plans begin in, b lanes.
            guess: Plans to start from, encoded ``[b, t, a]`` with t the horizon; None repeats `anchor`.
            anchor: The last action, encoded ``[b, a]``; None where there is none.
            goal: Frames to reach ``[b, c, h, w]``; None takes those of the last reset.
            elapsed: Steps executed since the last plan of the episode, for methods that continue from it.
            method_state: What such a method stored at that plan; it is changed in place.

        Raises:
            ValueError: Goals of another number of lanes, or a method that does not return b plans.
        """
        began_at, codec = self._synchronized_time(), self.world.action_codec
        goal = self.goal if goal is None else goal
        if goal is not None and len(goal) != len(state):
            raise ValueError(f"`goal` must hold one frame per lane, {len(state)}, got {len(goal)}.")
        if guess is None:
            guess = torch.zeros(len(state), self.method.horizon, codec.dim, device=self.world.device)
            guess = guess if anchor is None else guess + anchor[:, None]
        expected = self.num_imagined // self.num_plans if self.num_plans else None
        with plan_bar(expected, shown=self.progress) as bar:
            problem = PlanningProblem(
                guess,
                codec=codec,
                rng=self.rng,
                evaluator=self._evaluator(state, goal, on_frames=bar.update),
                anchor=anchor,
                elapsed=elapsed,
                method_state=method_state,
            )
            actions = codec.project(self._search(problem))
        is_scored = bool(problem.best_score.isfinite().all()) and torch.equal(actions, problem.best_plan)
        scores = problem.best_score if is_scored else problem.score(actions[:, None])[:, 0]
        plan = Plan(actions, scores, problem.evaluator.num_evaluations, self._synchronized_time() - began_at)
        self.num_plans, self.num_imagined = self.num_plans + 1, self.num_imagined + problem.evaluator.num_frames
        self.num_evaluations, self.seconds = self.num_evaluations + plan.num_evaluations, self.seconds + plan.seconds
        return plan

    def _context(self, observation: Frame) -> tuple[Frames, RawActions]:
        """Return the last K + 1 frames, the newest included, and the flat actions between them."""
        frame, k = observation.float().cpu()[:, None], self.world.context_length
        if self._past is None:
            return frame, torch.zeros(len(frame), 0, len(self.world.action_codec.num_choices))
        frames, actions = self._past
        return torch.cat([frames[:, -k:], frame], dim=1), actions[:, -k:]

    def _replan(self, state: WorldState, anchor: Tensor | None) -> Plan:
        """Plan from the rest of the last plan."""
        if self.last_plan is None:
            return self.plan(state, anchor=anchor, method_state=self._method_state)
        guess = shift_plans(self.last_plan.actions, self._age)
        return self.plan(state, guess=guess, anchor=anchor, elapsed=self._age, method_state=self._method_state)

    def _search(self, problem: PlanningProblem) -> Actions:
        """Return the method's plans ``[b, t, a]``."""
        actions, shape = self.method.plan(problem), problem.guess.shape
        if actions.shape != shape:
            name = type(self.method).__name__
            raise ValueError(
                f"`plan` of {name} must return one plan per lane, {list(shape)}, got {list(actions.shape)}."
            )
        return actions

    def _evaluator(self, state: WorldState, goal: Frame | None, on_frames: Callable[[int], object]) -> PlanEvaluator:
        return PlanEvaluator(
            self.world,
            state,
            self.objective,
            goal,
            num_sampling_steps=self.num_sampling_steps,
            max_batch=self.max_batch,
            num_particles=self.num_particles,
            risk=self.risk,
            uncertainty_penalty=self.uncertainty_penalty,
            on_frames=on_frames,
        )

    def _synchronized_time(self) -> float:
        """Return the time after all work on the device is done, in seconds."""
        if self.world.device.type == "cuda":
            torch.cuda.synchronize(self.world.device)
        return time.perf_counter()
