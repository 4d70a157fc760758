"""The yardstick of advantages."""

from __future__ import annotations

import torch
from torch import Tensor


class ReturnSpread:
    """How far returns spread: a running average of the range from their 5th to their 95th percentile, at least 1.

    Small ranges are not blown up, so that nothing is learnt from noise where rewards are rare (Hafner et al. 2023,
    equations 12 and 13).
    """

    def __init__(self, device: torch.device, decay: float = 0.99) -> None:
        self.decay, self.num_updates = decay, 0
        self.average = torch.zeros((), device=device)

    def update(self, returns: Tensor) -> Tensor:
        """Take in returns and return what to divide advantages by, a number ``[]``."""
        low, high = torch.quantile(returns.flatten(), torch.tensor([0.05, 0.95], device=returns.device))
        self.num_updates += 1
        self.average = self.decay * self.average + (1 - self.decay) * (high - low)
        return (self.average / (1 - self.decay**self.num_updates)).clamp(min=1.0)
