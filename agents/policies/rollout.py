"""The experience of a policy in a batch of environments, aligned step by step."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vdworld.agents.policies.observation_batch import ObservationBatch


@dataclass(frozen=True)
class Rollout:
    """The transitions of b lanes over t steps; column t of every field belongs to the same transition.

    Args:
        frames: Stacked frames before the action, uint8 ``[b, t, k c, h, w]``.
        readings: The readings beside them ``[b, t, d]``.
        previous_actions: The encoded actions that led to them ``[b, t, a]``; zeros at the beginning.
        hidden: The hidden states before them ``[b, t, d]``.
        is_first: Where an episode or the rollout begins ``[b, t]``.
        actions: The sampled actions ``[b, t, a]``, encoded, not yet clipped to the bounds.
        log_probs: Their log probabilities ``[b, t]``.
        values: The critic's values of the observations ``[b, t]``.
        rewards: The rewards ``[b, t]``.
        terminated: Whether the episode terminated ``[b, t]``.
        ended: Whether it terminated or was truncated ``[b, t]``.
        continuation: The probability of not terminating ``[b, t]``; 0 or 1 where the environment reports none.
        next_values: Values of the next observations ``[b, t]``, an episode's final observation included.
        is_step: False where a lane was only reset, in mode NEXT_STEP ``[b, t]``: the entry is no transition.
        prior_outputs: Parameters of the prior's action distributions ``[b, t, o]``; no columns without a prior.
    """

    frames: Tensor
    readings: Tensor
    previous_actions: Tensor
    hidden: Tensor
    is_first: Tensor
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    rewards: Tensor
    terminated: Tensor
    ended: Tensor
    continuation: Tensor
    next_values: Tensor
    is_step: Tensor
    prior_outputs: Tensor

    def __getitem__(self, lanes: Tensor) -> Rollout:
        """Return the lanes ``[m]``."""
        return Rollout(**{field.name: getattr(self, field.name)[lanes] for field in fields(self)})

    @property
    def observations(self) -> ObservationBatch:
        """The stacked observations before the actions."""
        return ObservationBatch(self.frames, self.readings)


def stack_steps(steps: list[dict[str, Tensor]], last_values: Tensor) -> Rollout:
    """Stack single steps into a rollout.

    Args:
        steps: The fields of a Rollout for one step each ``[b, ...]``; ``next_values`` is read where an episode ended.
        last_values: Values of the observations after the last step ``[b]``.
    """
    stacked = {field.name: torch.stack([step[field.name] for step in steps], dim=1) for field in fields(Rollout)}
    following = torch.cat([stacked["values"][:, 1:], last_values[:, None]], dim=1)
    stacked["next_values"] = torch.where(stacked["ended"], stacked["next_values"], following)
    stacked["is_first"][:, 0] = True
    return Rollout(**stacked)
