"""Notice that training no longer gets better, and take smaller steps from then on."""

from __future__ import annotations

from dataclasses import dataclass

MARGIN = 0.25  # dB; less than this is no progress
PATIENCE, MIN_PATIENCE = 1 / 3, 300  # how long to wait for progress: a share of all steps so far, and steps at least


@dataclass
class Plateau:
    """Halve the learning rate whenever a third of all steps so far brought no progress on held-out clips.

    How large steps may be depends on the data. Where little moves, gradients are mostly noise, which optimisers that
    set the length of each step by themselves, as Muon and Adam do, follow all the same: a world may even get worse.

    Args:
        max_cuts: How often to halve at most.
        best: Of the measures so far.
        best_step: When it was reached, or the learning rate last halved.
        num_cuts: How often it was halved.
    """

    max_cuts: int = 3
    best: float = -1e9
    best_step: int = 0
    num_cuts: int = 0

    @property
    def factor(self) -> float:
        """The share of the learning rate that is left."""
        return 0.5**self.num_cuts

    def step(self, step: int, measure: float) -> None:
        """Take in a measure in dB, more is better; NaN tells nothing."""
        if measure > self.best + MARGIN:
            self.best, self.best_step = measure, step
        elif step - self.best_step >= max(PATIENCE * step, MIN_PATIENCE) and self.num_cuts < self.max_cuts:
            self.best_step, self.num_cuts = step, self.num_cuts + 1
