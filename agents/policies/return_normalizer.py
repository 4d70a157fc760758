"""The scale of returns, by which advantages are divided."""

from __future__ import annotations

import torch
from torch import Tensor


class ReturnNormalizer:
    """Track a running average of the range from the 5th to the 95th percentile of returns, at least 1.

    The lower limit keeps noise from being amplified where rewards are rare (Hafner et al. 2023, equations 12 and 13).

    Args:
        device: Where the average is kept.
        decay: Share of the old average in the new one.
    """

    def __init__(self, device: torch.device, decay: float = 0.99) -> None:
        self.decay, self.num_updates = decay, 0
        self.average = torch.zeros((), device=device)

    def update(self, returns: Tensor) -> Tensor:
        """Add returns of any shape to the average, and return the divisor of advantages ``[]``."""
        low, high = torch.quantile(returns.flatten(), torch.tensor([0.05, 0.95], device=returns.device))
        self.num_updates += 1
        self.average = self.decay * self.average + (1 - self.decay) * (high - low)
        return (self.average / (1 - self.decay**self.num_updates)).clamp(min=1.0)
