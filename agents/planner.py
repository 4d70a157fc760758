"""An agent that looks for good plans in a world, and follows them for a few steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vdworld.agents.objectives import Objective, Return
from vdworld.agents.planning.cross_entropy import CrossEntropy
from vdworld.types import Actions, Frame, Frames, LaneMask
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
        max_batch: int = 1024,
        seed: int = 0,
    ) -> None:
        self.world, self.method, self.objective = world, method or CrossEntropy(), objective or Return()
        self.replan_every = replan_every or max(self.method.horizon // 2, 1)
        if not 1 <= self.replan_every <= self.method.horizon:
            raise ValueError(f"`replan_every` must lie in 1..{self.method.horizon}, got {replan_every}.")
        if isinstance(self.objective, Return) and not world.has_reward:
            raise ValueError(
                "`objective` Return needs rewards, and this world was trained on data without any. "
                "Give another objective: any function of a Rollout."
            )
        self.num_sampling_steps, self.max_batch, self.seed = num_sampling_steps, max_batch, seed
        self.num_imagined = 0
        self.rng = torch.Generator().manual_seed(seed)
        self._frames: Frames | None = None

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
        self._frames = self._actions = None
        if context is not None:
            self._frames, self._actions = context[0][:, :-1].float(), torch.as_tensor(context[1]).float()
        self._plan: Actions | None = None
        self._age, self._count = 0, 0

    def act(self, observation: Frame) -> Any:
        """Choose one action per lane ``[b, ...]`` in the environment's units."""
        self._see(observation)
        if self._plan is None or self._age >= self.replan_every:
            state = self.world.start(self._frames, self._native(self._actions), seed=self.seed + 7919 * self._count)
            self._plan, self._age = self._improve(state), 0
        encoded = self._plan[:, self._age]
        self._age, self._count = self._age + 1, self._count + 1
        flat = self.world.action_codec.decode_flat(encoded).cpu()
        past = self._actions[:, -self.world.context_length + 1 :]
        self._actions = torch.cat([past, flat[:, None]], dim=1)
        return self.world.action_codec.decode(encoded)

    def _see(self, observation: Frame) -> None:
        frame = observation.float().cpu()[:, None]
        if self._frames is None:
            self._frames = frame
            self._actions = torch.zeros(len(frame), 0, len(self.world.action_codec.num_choices))
            return
        self._frames = torch.cat([self._frames[:, -self.world.context_length :], frame], dim=1)
        self._actions = self._actions[:, -(self._frames.shape[1] - 1) :]

    def _improve(self, state: WorldState) -> Actions:
        b, horizon, dim = len(state), self.method.horizon, self.world.action_codec.dim
        guess = torch.zeros(b, horizon, dim, device=self.world.device)
        if self._plan is not None:  # go on with what was left of the last plan, holding its last action
            rest = self._plan[:, self._age :]
            guess = torch.cat([rest, rest[:, -1:].expand(-1, horizon - rest.shape[1], -1)], dim=1)

        def score(candidates: Tensor) -> Tensor:
            n = candidates.shape[1]
            lanes = max(self.max_batch // n, 1)
            chunks = [self._score(state[i : i + lanes], candidates[i : i + lanes], i) for i in range(0, b, lanes)]
            return torch.cat(chunks)

        return self.method.plan(guess, score, self.rng)

    @torch.no_grad()
    def _score(self, state: WorldState, candidates: Tensor, first: int) -> Tensor:
        b, n, horizon, _ = candidates.shape
        actions = self.world.action_codec.project(candidates.flatten(0, 1))
        rollout = self.world.rollout(
            state.repeat(n), actions, num_sampling_steps=self.num_sampling_steps, encoded=True
        )
        self.num_imagined += b * n * horizon
        goal = None if self.goal is None else self.goal[first : first + b].to(rollout.frames.device)
        goal = None if goal is None else goal.repeat_interleave(n, dim=0)
        return self.objective(rollout, goal).reshape(b, n)

    def _native(self, flat: Tensor) -> Any:
        from vdworld.spaces import unflatten_action

        return None if flat.shape[1] == 0 else unflatten_action(self.world.action_space, flat)
