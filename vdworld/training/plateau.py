"""Halve the learning rate when training stops improving."""

from __future__ import annotations

from dataclasses import dataclass

MARGIN = 0.25  # dB; a smaller gain does not count as progress
PATIENCE, MIN_PATIENCE = 1 / 3, 300  # how long to wait for progress: a share of all steps so far, and a minimum


@dataclass
class Plateau:
    """Halve the learning rate whenever the last third of all steps brought no progress on held-out clips.

    The best step length depends on the data. Where little moves, gradients are mostly noise. Optimisers that normalise
    their steps, such as Muon and Adam, follow that noise at full length, and the world may even get worse.

    Measurements may fall in a new stage, such as that of shortcuts, and those of averaged weights fall slowly. So at
    first, for as long as it would wait for progress, a stage counts as making some. Earlier cuts stay.

    Args:
        max_cuts: Maximum number of cuts.
        best: Best measurement so far, in dB.
        best_step: The step at which it was reached, or of the last cut.
        num_cuts: Number of cuts so far.
        stage: Name of the present stage; the first has none.
        settled: The step from which the present stage must make progress.
    """

    max_cuts: int = 3
    best: float = -1e9
    best_step: int = 0
    num_cuts: int = 0
    stage: str = ""
    settled: float = 0

    @property
    def factor(self) -> float:
        """The current learning rate as a share of the uncut one."""
        return 0.5**self.num_cuts

    def step(self, step: int, measure: float, stage: str = "") -> None:
        """Record a measurement in dB, where more is better; NaN is ignored.

        Args:
            step: The number of training steps so far.
            measure: The measurement.
            stage: Name of the stage of training.
        """
        patience = max(PATIENCE * step, MIN_PATIENCE)
        if stage != self.stage:
            self.stage, self.settled = stage, step + patience
        if step < self.settled:
            self.best, self.best_step = -1e9, step
        if measure > self.best + MARGIN:
            self.best, self.best_step = measure, step
        elif step - self.best_step >= patience and self.num_cuts < self.max_cuts:
            self.best_step, self.num_cuts = step, self.num_cuts + 1
