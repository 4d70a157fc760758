"""Score plans by dreaming them, and count what the dreams cost."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vdworld.agents.objectives import Objective
from vdworld.agents.planning.partial_plans import PartialPlans, concatenate_lanes, concatenate_steps
from vdworld.diffusion import num_evaluations
from vdworld.networks import VideoNetwork
from vdworld.types import Actions, Frame, LaneIntegers, PerLane
from vdworld.world import Rollout, WorldModel, WorldState
from vdworld.world.guidance import count_contexts
from vdworld.world.model import Policy


class PlanEvaluator:
    """Dream plans from the states of b lanes, and score the dreams.

    The plans of a lane share its noise (common random numbers), so that they differ by their actions alone. With
    several particles every plan is dreamt once per particle, each with noise of its own that the plans of a lane share.

    Args:
        world: The world to dream in.
        state: The states that plans begin in, b lanes.
        objective: Scores a rollout.
        goal: Frames to reach ``[b, c, h, w]``, if any.
        num_sampling_steps: Network evaluations per sampled frame; None takes the world's own number.
        max_batch: Most dreams at once.
        num_particles: Dreams per plan, whose scores are averaged.
        risk: How many standard deviations over the particles are subtracted from the mean.
        uncertainty_penalty: Weight of a rollout's mean uncertainty, which is subtracted; it doubles the cost.
        on_frames: Called with the number of frames of every batch of dreams, before it is imagined.

    Attributes:
        max_plans: Most plans scored at once.
        num_frames: Frames imagined so far.
        num_evaluations: Network evaluations so far, each lane counted: those of the sampler, those of a second sample
            for the uncertainty, those that read features from a finished frame (half the price in some networks), and
            the objective's own. With gradients every forward pass is made and counted twice; backward passes are not
            counted.
    """

    def __init__(
        self,
        world: WorldModel,
        state: WorldState,
        objective: Objective,
        goal: Frame | None = None,
        *,
        num_sampling_steps: int | None = None,
        max_batch: int = 256,
        num_particles: int = 1,
        risk: float = 0.0,
        uncertainty_penalty: float = 0.0,
        on_frames: Callable[[int], object] | None = None,
    ) -> None:
        self.on_frames = on_frames
        self.world, self.state, self.objective = world, state, objective
        self.goal = None if goal is None else goal.to(world.device)
        self.num_sampling_steps, self.num_particles = num_sampling_steps, num_particles
        self.risk, self.uncertainty_penalty = risk, uncertainty_penalty
        self.max_plans = max(max_batch // num_particles, 1)
        self.num_frames = self._num_passes = 0
        self._objective_passes_before = getattr(objective, "num_evaluations", 0)
        self._particles = state.repeat(num_particles, noise="independent")

    @property
    def num_evaluations(self) -> int:
        """Network evaluations so far."""
        return self._num_passes + getattr(self.objective, "num_evaluations", 0) - self._objective_passes_before

    def score(self, lanes: LaneIntegers, plans: Actions) -> PerLane:
        """Return the scores ``[m]`` of legal plans ``[m, t, a]`` in the lanes ``[m]``; differentiable."""
        rollout = self._dream(self._particles[self._rows(lanes)], plans)
        return self._score_rollout(rollout, lanes)

    def start(self, lanes: LaneIntegers) -> PartialPlans:
        """Return one plan without steps in each of the lanes ``[b]``."""
        actions = self.state.frames.new_zeros(len(lanes), 1, 0, self.world.action_codec.dim)
        return PartialPlans(lanes, actions, actions.new_zeros(len(lanes), 1), self._particles[self._rows(lanes)], None)

    @torch.no_grad()
    def extend(self, plans: PartialPlans, options: Tensor) -> PartialPlans:
        """Extend every plan by each of m actions ``[m, a]``, without dreaming its earlier steps again.

        The n plans of a lane become n * m, those with the same beginning next to each other, each with a new score.
        """
        (b, n), m = plans.scores.shape, len(options)
        newest = options.repeat(b * n, 1)[:, None]  # [b * n * m, 1, a]
        parents = torch.arange(b * n, device=newest.device).repeat_interleave(m)
        rollouts, scores = [], []
        for parent, action in zip(parents.split(self.max_plans), newest.split(self.max_plans), strict=True):
            rows = self._rows(parent)
            step = self._dream(plans.state[rows], action)
            rollouts.append(step if plans.rollout is None else concatenate_steps(plans.rollout, rows, step))
            scores.append(self._score_rollout(rollouts[-1], plans.lanes[parent // n]))
        before = plans.actions.repeat_interleave(m, dim=1)
        actions = torch.cat([before, newest.reshape(b, n * m, 1, -1)], dim=2)
        rollout = concatenate_lanes(rollouts)
        return PartialPlans(plans.lanes, actions, torch.cat(scores).reshape(b, n * m), rollout.state, rollout)

    @torch.no_grad()
    def roll_out_policy(self, lanes: LaneIntegers, policy: Policy, horizon: int) -> Actions:
        """Return the plans ``[m, t, a]`` that a policy makes in the lanes ``[m]``; it returns encoded actions."""
        actions: list[Tensor] = []

        def act(state: WorldState) -> Tensor:
            actions.append(self.world.action_codec.project(policy(state)))
            return actions[-1]

        self._count(len(lanes) * horizon, len(lanes) * horizon)
        steps = {"horizon": horizon, "num_sampling_steps": self.num_sampling_steps}
        self.world.rollout(self.state[lanes], act, encoded=True, **steps)
        return torch.stack(actions, dim=1)

    def _rows(self, plans: Tensor) -> Tensor:
        """Return the rows ``[m * p]`` of the particles of plans with the indices ``[m]``."""
        particle = torch.arange(self.num_particles, device=plans.device)
        return (plans[:, None] * self.num_particles + particle).flatten()

    def _count(self, num_frames: int, num_features: int, num_samples: int = 1) -> None:
        """Count frames of all lanes, the samples of each, and the frames from which features are read."""
        passes = num_samples * num_frames * evaluations_per_frame(self.world, self.num_sampling_steps) + num_features
        self.num_frames += num_frames
        if self.on_frames is not None:
            self.on_frames(num_frames)
        self._num_passes += passes * (2 if torch.is_grad_enabled() else 1)

    def _dream(self, state: WorldState, plans: Actions) -> Rollout:
        """Dream plans ``[m, t, a]`` from the states of their particles, ``m * p`` lanes."""
        frames_only = getattr(self.objective, "frames_only", False) and not self.uncertainty_penalty
        lanes, steps = len(state), plans.shape[1]
        num_features = lanes if frames_only and state.cache is None else lanes * steps
        self._count(lanes * steps, num_features, num_samples=2 if self.uncertainty_penalty else 1)
        return self.world.rollout(
            state,
            plans.repeat_interleave(self.num_particles, dim=0),
            num_sampling_steps=self.num_sampling_steps,
            with_features=not frames_only,
            with_uncertainty=self.uncertainty_penalty > 0,
            frames_only=frames_only,
            recompute=torch.is_grad_enabled(),
            encoded=True,
        )

    def _score_rollout(self, rollout: Rollout, lanes: Tensor) -> PerLane:
        """Return one score per plan ``[m]`` for the dreams of its particles."""
        owners = lanes.repeat_interleave(self.num_particles)
        scores = self.objective(rollout, None if self.goal is None else self.goal[owners])
        if scores.shape != owners.shape:
            raise ValueError(
                f"`objective` must return one score per lane, shape {list(owners.shape)}, got {list(scores.shape)}."
            )
        if rollout.uncertainty is not None:
            scores = scores - self.uncertainty_penalty * rollout.uncertainty.mean(dim=1)
        scores = scores.reshape(-1, self.num_particles)
        if not self.risk:
            return scores.mean(dim=1)
        return scores.mean(dim=1) - self.risk * (scores.var(dim=1, correction=0) + 1e-12).sqrt()


def evaluations_per_frame(world: WorldModel, num_sampling_steps: int | None = None) -> int:
    """Return the number of network evaluations that sampling one frame takes, guidance included."""
    sampling = world.sampling
    steps = sampling.num_steps if num_sampling_steps is None else num_sampling_steps
    num_contexts = count_contexts(sampling, has_cache=isinstance(world.network, VideoNetwork))
    return num_evaluations(sampling.sampler, steps) * num_contexts
