"""A running average of the weights, which is what training returns."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)


class ExponentialMovingAverage(Generic[Module]):
    """Average a module's parameters over its training steps.

    The decay starts low, ``(n + 1) / (n + 20)`` at the n-th step, so that the initial weights soon stop counting,
    even in a short run.

    Args:
        module: The module in training.
        decay: Upper limit of the decay, in [0, 1).
    """

    def __init__(self, module: Module, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"`decay` must lie in [0, 1), got {decay}.")
        self.decay, self.num_updates = decay, 0
        self.average = copy.deepcopy(module)
        self.average.eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, module: Module) -> None:
        """Move the average towards the module's current weights."""
        self.num_updates += 1
        decay = min(self.decay, (self.num_updates + 1) / (self.num_updates + 20))
        averages: list[Tensor] = list(self.average.parameters())
        weights: list[Tensor] = list(module.parameters())
        torch._foreach_lerp_(averages, weights, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
        for average, value in zip(self.average.buffers(), module.buffers(), strict=True):
            average.copy_(value)
