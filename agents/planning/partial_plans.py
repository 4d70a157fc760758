"""Plans that grow step by step and share their beginnings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vdworld.types import LaneIntegers
from vdworld.world import Rollout, WorldState


@dataclass(frozen=True)
class PartialPlans:
    """n plans in each of b lanes, with the dreams of their steps so far.

    Args:
        lanes: The lanes of the problem that they belong to ``[b]``.
        actions: Encoded and legal actions ``[b, n, t, a]``; t is 0 at first.
        scores: The objective's scores of the steps so far ``[b, n]``; 0 at first.
        state: The last states of their dreams, ``b * n`` lanes times the particles.
        rollout: These dreams from the first step, in as many lanes; None at first.
    """

    lanes: LaneIntegers
    actions: Tensor
    scores: Tensor
    state: WorldState
    rollout: Rollout | None

    def best(self, count: int) -> PartialPlans:
        """Return the `count` best plans of every lane, best first; all of them if there are fewer."""
        b, n = self.scores.shape
        top = self.scores.topk(min(count, n), dim=1)
        lanes = torch.arange(b, device=top.indices.device)[:, None]
        particles = len(self.state) // (b * n)
        plans = (lanes * n + top.indices).flatten()
        rows = (plans[:, None] * particles + torch.arange(particles, device=plans.device)).flatten()
        rollout = None if self.rollout is None else _combine([self.rollout], lambda values: values[0][rows])
        state = self.state[rows] if rollout is None else rollout.state
        return PartialPlans(self.lanes, self.actions[lanes, top.indices], top.values, state, rollout)


def concatenate_steps(earlier: Rollout, rows: Tensor, later: Rollout) -> Rollout:
    """Continue the lanes `rows` ``[m]`` of one rollout with the m lanes of another."""
    return _combine([earlier, later], lambda values: torch.cat([values[0][rows], values[1]], dim=1), later.state)


def concatenate_lanes(rollouts: Sequence[Rollout]) -> Rollout:
    """Return one rollout with the lanes of several rollouts of the same length."""
    return rollouts[0] if len(rollouts) == 1 else _combine(rollouts, torch.cat)


def _combine(
    rollouts: Sequence[Rollout], combine: Callable[[list[Tensor]], Tensor], state: WorldState | None = None
) -> Rollout:
    """Apply a function to each tensor of several rollouts, and to those of their states unless one is given."""
    if state is None:
        parts = [rollout.state.tensors() for rollout in rollouts]
        state = WorldState.from_tensors({name: combine([part[name] for part in parts]) for name in parts[0]})
    combined = {}
    for name in (field.name for field in fields(Rollout) if field.name not in ("state", "readings")):
        values = [getattr(rollout, name) for rollout in rollouts]
        combined[name] = None if values[0] is None else combine(values)
    names = rollouts[0].readings
    readings = {name: combine([rollout.readings[name] for rollout in rollouts]) for name in names}
    return Rollout(**combined, state=state, readings=readings)
