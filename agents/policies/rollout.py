"""What happened while a policy acted in a batch of environments, aligned step by step."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vdworld.agents.policies.observation_batch import ObservationBatch


@dataclass(frozen=True)
class Rollout:
    """Stretches of b lanes over t steps; every entry of a step belongs to the transition that its action led to.

    Args:
        frames: What was seen before the action, stacked, uint8 ``[b, t, k c, h, w]``.
        readings: The numbers beside it ``[b, t, d]``.
        previous: The encoded action that led there ``[b, t, a]``, zeros where there was none.
        hidden: The hidden state before it was seen ``[b, t, d]``.
        begins: Where an episode or the rollout begins ``[b, t]``.
        actions: What was done ``[b, t, a]``, encoded, before bounds.
        log_probs: How likely it was ``[b, t]``.
        values: What was expected to follow ``[b, t]``.
        rewards: What was earned ``[b, t]``.
        terminated: Whether the episode terminated ``[b, t]``.
        ended: Whether it terminated or was truncated ``[b, t]``.
        continuation: The probability of not terminating ``[b, t]``: 0 or 1 where the environment tells none.
        next_values: Of what the action led to ``[b, t]``, an episode's final observation included.
        prior_outputs: What the prior says of the actions ``[b, t, o]``; no columns where there is none.
    """

    frames: Tensor
    readings: Tensor
    previous: Tensor
    hidden: Tensor
    begins: Tensor
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    rewards: Tensor
    terminated: Tensor
    ended: Tensor
    continuation: Tensor
    next_values: Tensor
    prior_outputs: Tensor

    def __getitem__(self, lanes: Tensor) -> Rollout:
        """Return some of the lanes ``[m]``."""
        return Rollout(**{field.name: getattr(self, field.name)[lanes] for field in fields(self)})

    @property
    def seen(self) -> ObservationBatch:
        """What was seen before the actions."""
        return ObservationBatch(self.frames, self.readings)


def stacked(steps: list[dict[str, Tensor]], last_values: Tensor) -> Rollout:
    """Join steps to a rollout.

    Args:
        steps: The fields of a Rollout, one step each ``[b, ...]``; ``next_values`` count where an episode ended.
        last_values: Of what the lanes see after the last step ``[b]``.
    """
    whole = {field.name: torch.stack([step[field.name] for step in steps], dim=1) for field in fields(Rollout)}
    following = torch.cat([whole["values"][:, 1:], last_values[:, None]], dim=1)
    whole["next_values"] = torch.where(whole["ended"], whole["next_values"], following)
    whole["begins"][:, 0] = True
    return Rollout(**whole)
