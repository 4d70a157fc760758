"""Policy losses: functions of log probabilities and advantages ``[b, t]`` to a loss ``[]``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

CLIP, ALPHA = 0.2, 0.5

PolicyLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Maps the actions' log probabilities now, those when they were sampled, and the advantages to a loss."""


def reinforce(log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor) -> Tensor:
    """Weight the log probability of every action by its advantage (Williams 1992; Hafner et al. 2023, equation 11)."""
    return -(log_probs * advantages).mean()


def ppo(log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor) -> Tensor:
    """Clip the ratio to the sampled probability at 1 +- 0.2 (Schulman et al. 2017, equation 7)."""
    ratio = (log_probs - old_log_probs).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages).mean()


def pmpo(log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor) -> Tensor:
    """Make actions with a positive advantage more likely and the others less, ignoring the size of the advantage.

    Each group is averaged and counts one half (Abdolmaleki et al. 2024; Hafner et al. 2025, equation 11).
    """
    good = (advantages >= 0).to(log_probs)
    mean_good = (log_probs * good).sum() / good.sum().clamp(min=1)
    mean_bad = (log_probs * (1 - good)).sum() / (1 - good).sum().clamp(min=1)
    return (1 - ALPHA) * mean_bad - ALPHA * mean_good


OBJECTIVES: dict[str, PolicyLoss] = {"reinforce": reinforce, "ppo": ppo, "pmpo": pmpo}
