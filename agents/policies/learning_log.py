"""Figures of a learning run, for a progress bar and TensorBoard."""

from __future__ import annotations

from vdworld.agents.progress import Report
from vdworld.training.training_log import TrainingLog


def log_updates(log: TrainingLog, num_steps: int, steps_per_update: int) -> Report:
    """Return a callback that logs the figures of each update, with the latest known mean return.

    Args:
        log: Receives the figures.
        num_steps: Length of the whole run, all lanes together.
        steps_per_update: Number of steps between updates, all lanes together.
    """
    latest: dict[str, float] = {}

    def report(step: int, figures: dict[str, float]) -> None:
        latest.update({name: value for name, value in figures.items() if name == "return"})
        log.postfix["reward"] = f"{figures['reward']:.3f}"
        if latest:
            log.postfix["return"] = f"{latest['return']:.2f}"
        share = min(step / num_steps, 1.0)
        log.step(step // steps_per_update, share, steps_per_update, {**figures, **latest})

    return report
