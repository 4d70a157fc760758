"""An agent that looks for good plans in a world, and follows them for a few steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vdworld.agents.objectives import Objective, Return
from vdworld.agents.planning.cross_entropy import CrossEntropy
from vdworld.spaces import unflatten_action
from vdworld.types import Actions, Frame, Frames, LaneMask, PerLane, RawActions
from vdworld.world import WorldModel, WorldState


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

    Attributes:
        num_imagined: Frames imagined so far.
    """

    def __init__(
        self,
        world: WorldModel,
        method: CrossEntropy | None = None,
        objective: Objective | None = None,
        *,
        replan_every: int | None = None,
        num_sampling_steps: int | None = None,
        max_batch: int = 256,
        seed: int = 0,
    ) -> None:
        self.world, self.method, self.objective = world, method or CrossEntropy(), objective or Return()
        self.replan_every = replan_every or max(self.method.horizon // 2, 1)
        if not 1 <= self.replan_every <= self.method.horizon:
            raise ValueError(f"`replan_every` must lie in 1..{self.method.horizon}, got {replan_every}.")
        if isinstance(self.objective, Return) and not world.has_reward:
            raise ValueError(
                "`objective` Return needs rewards, and this world was trained on data without any. "
                "Give another objective: any function of a Rollout and the goal frames."
            )
        self.num_sampling_steps, self.max_batch, self.seed = num_sampling_steps, max_batch, seed
        self.num_imagined = 0
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
        self._plan: Actions | None = None
        self._age, self._count = 0, 0

    @torch.no_grad()
    def act(self, observation: Frame) -> Any:
        """Choose one action per lane ``[b, ...]`` in the environment's units."""
        frames, actions = self._see(observation)
        if self._plan is None or self._age >= self.replan_every:
            native = anchor = None
            if actions.shape[1]:
                native = unflatten_action(self.world.action_space, actions)
                anchor = self.world.action_codec.encode_flat(actions[:, -1].to(self.world.device))
            state = self.world.start(frames, native, seed=self.seed + 7919 * self._count)
            self._plan, self._age = self._improve(state, anchor), 0
        encoded = self._plan[:, self._age]
        self._age, self._count = self._age + 1, self._count + 1
        flat = self.world.action_codec.decode_flat(encoded).cpu()
        self._past = frames, torch.cat([actions, flat[:, None]], dim=1)
        return self.world.action_codec.decode(encoded)

    def _see(self, observation: Frame) -> tuple[Frames, RawActions]:
        """Return the last K + 1 frames with the newest, and the flat actions between them."""
        frame, k = observation.float().cpu()[:, None], self.world.context_length
        if self._past is None:
            return frame, torch.zeros(len(frame), 0, len(self.world.action_codec.num_choices))
        frames, actions = self._past
        return torch.cat([frames[:, -k:], frame], dim=1), actions[:, -k:]

    def _improve(self, state: WorldState, anchor: Tensor | None) -> Actions:
        b, horizon, dim = len(state), self.method.horizon, self.world.action_codec.dim
        guess = torch.zeros(b, horizon, dim, device=self.world.device)
        if anchor is not None:
            guess = guess + anchor[:, None]
        if self._plan is not None:  # go on with what was left of the last plan, holding its last action
            rest, last = self._plan[:, self._age :], self._plan[:, -1:]
            guess = torch.cat([rest, last.expand(-1, horizon - rest.shape[1], -1)], dim=1)

        def score(candidates: Tensor) -> Tensor:
            n = candidates.shape[1]
            plans = self.world.action_codec.project(candidates.flatten(0, 1))
            owner = torch.arange(b, device=plans.device).repeat_interleave(n)
            chunks = zip(owner.split(self.max_batch), plans.split(self.max_batch), strict=True)
            return torch.cat([self._score(state[lanes], actions, lanes) for lanes, actions in chunks]).reshape(b, n)

        return self.method.plan(guess, score, self.rng, anchor)

    def _score(self, state: WorldState, actions: Actions, lanes: Tensor) -> PerLane:
        rollout = self.world.rollout(
            state,
            actions,
            num_sampling_steps=self.num_sampling_steps,
            frames_only=getattr(self.objective, "frames_only", False),
            encoded=True,
        )
        self.num_imagined += actions.shape[0] * actions.shape[1]
        goal = None if self.goal is None else self.goal.to(rollout.frames.device)[lanes]
        return self.objective(rollout, goal)
