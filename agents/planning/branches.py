"""Plans that share their beginnings, for searches that go step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vdworld.types import LaneIntegers
from vdworld.world import Rollout, WorldState


@dataclass(frozen=True)
class Branches:
    """n plans in each of b lanes, dreamt as far as they go.

    Args:
        lanes: Which lanes of the problem they belong to ``[b]``.
        actions: Encoded and legal ``[b, n, t, a]``; t is 0 at first.
        scores: What the objective says of them so far ``[b, n]``; 0 at first.
        state: Where their dreams stand, ``b * n`` lanes times the particles.
        rollout: These dreams from their beginning, in as many lanes; None at first.
    """

    lanes: LaneIntegers
    actions: Tensor
    scores: Tensor
    state: WorldState
    rollout: Rollout | None

    def best(self, count: int) -> Branches:
        """Return the best plans of every lane, best first; all of them where there are no more than `count`."""
        b, n = self.scores.shape
        top = self.scores.topk(min(count, n), dim=1)
        lanes = torch.arange(b, device=top.indices.device)[:, None]
        particles = len(self.state) // (b * n)
        plans = (lanes * n + top.indices).flatten()
        rows = (plans[:, None] * particles + torch.arange(particles, device=plans.device)).flatten()
        rollout = None if self.rollout is None else _joined([self.rollout], lambda values: values[0][rows])
        state = self.state[rows] if rollout is None else rollout.state
        return Branches(self.lanes, self.actions[lanes, top.indices], top.values, state, rollout)


def chained(earlier: Rollout, rows: Tensor, later: Rollout) -> Rollout:
    """Return the lanes `rows` ``[m]`` of a rollout, going on with those of another one ``[m, ...]``."""
    return _joined([earlier, later], lambda values: torch.cat([values[0][rows], values[1]], dim=1), later.state)


def side_by_side(rollouts: Sequence[Rollout]) -> Rollout:
    """Return rollouts of the same length as one with the lanes of all."""
    return rollouts[0] if len(rollouts) == 1 else _joined(rollouts, torch.cat)


def _joined(
    rollouts: Sequence[Rollout], join: Callable[[list[Tensor]], Tensor], state: WorldState | None = None
) -> Rollout:
    """Return a rollout whose every tensor is joined from those of others, the state too where none is given."""
    if state is None:
        parts = [rollout.state.tensors() for rollout in rollouts]
        state = WorldState.from_tensors({name: join([part[name] for part in parts]) for name in parts[0]})
    joined = {}
    for name in (field.name for field in fields(Rollout) if field.name not in ("state", "readings")):
        values = [getattr(rollout, name) for rollout in rollouts]
        joined[name] = None if values[0] is None else join(values)
    names = rollouts[0].readings
    readings = {name: join([rollout.readings[name] for rollout in rollouts]) for name in names}
    return Rollout(**joined, state=state, readings=readings)
