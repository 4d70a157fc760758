"""How a world is trained: every number that a user may set."""

from __future__ import annotations

from dataclasses import dataclass, field

from vdworld.training.batch import ContextCorruption
from vdworld.training.loss import LossWeights
from vdworld.training.self_forcing import SelfForcing


@dataclass(frozen=True)
class Shortcut:
    """How a world learns to make long steps (``vdworld.diffusion.shortcut_target``).

    Args:
        share: Share of the clips that train long steps; 0 is a world without shortcuts, 0.25 is usual.
        after: Share of the run before which none does: there is nothing yet to take a shortcut through.
        finest: The step count from which no step is a shortcut, a power of two.
    """

    share: float = 0.0
    after: float = 0.3
    finest: int = 32

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ValueError(f"`shortcut.share` must lie in [0, 1), got {self.share}.")
        if self.finest < 2 or self.finest & (self.finest - 1):
            raise ValueError(f"`shortcut.finest` must be a power of two from 2, got {self.finest}.")


@dataclass(frozen=True)
class TrainerSettings:
    """How a world is trained.

    Args:
        max_steps: Stop after so many optimiser steps; None means no such limit.
        max_minutes: Stop after so many minutes of wall-clock time, those before an interruption included; the
            learning rate then follows the clock.
        batch_size: Clips per step.
        horizon: Target frames per clip; all but the first are predicted from the model's own estimates.
        unroll_after: Share of the run before which the first target alone is predicted: a model that knows nothing
            yet learns nothing from its own estimates.
        learning_rate: Peak of AdamW's, after the warm-up.
        muon_learning_rate: Peak of Muon's, which trains the matrices between hidden features.
        warmup_steps: Steps over which the learning rate rises from 0.
        decay_fraction: Last share of the run in which the learning rate falls linearly to 0.
        plateau_cuts: How often the learning rate is halved at most because training brought no progress on held-out
            clips (``vdworld.training.plateau``).
        weight_decay: Of both optimisers.
        max_gradient_norm: Gradients are scaled down to this norm.
        ema_decay: Decay of the weights' running average, which is what training returns.
        precision: "auto", "float32" or "bfloat16".
        checkpoint_every: Steps between checkpoints; a last one is always written.
        validate_every: Steps between measurements on held-out clips.
        num_rollout_gifs: Animated rollouts over the whole run.
        weights: How the parts of the loss add up.
        corruption: What is hidden from the network now and then.
        shortcut: How to train for few sampling steps.
        self_forcing: A finishing stage against drift.
    """

    max_steps: int | None = None
    max_minutes: float | None = None
    batch_size: int = 32
    horizon: int = 2
    unroll_after: float = 0.7
    learning_rate: float = 1e-3
    muon_learning_rate: float = 0.02
    warmup_steps: int = 50
    decay_fraction: float = 0.6
    plateau_cuts: int = 3
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    ema_decay: float = 0.999
    precision: str = "auto"
    checkpoint_every: int = 500
    validate_every: int = 100
    num_rollout_gifs: int = 4
    weights: LossWeights = field(default_factory=LossWeights)
    corruption: ContextCorruption = field(default_factory=ContextCorruption)
    shortcut: Shortcut = field(default_factory=Shortcut)
    self_forcing: SelfForcing = field(default_factory=SelfForcing)

    def __post_init__(self) -> None:
        for name in ("max_steps", "max_minutes", "batch_size", "horizon", "checkpoint_every", "validate_every"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"`{name}` must be positive, got {value}.")
        if self.plateau_cuts < 0:
            raise ValueError(f"`plateau_cuts` must not be negative, got {self.plateau_cuts}.")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise ValueError(f'`precision` must be "auto", "float32" or "bfloat16", got {self.precision!r}.')
        if self.max_steps is None and self.max_minutes is None:
            raise ValueError("`max_steps` or `max_minutes` must say when training ends, got None for both.")

    @property
    def num_targets(self) -> int:
        """Target frames that a clip must hold."""
        return max(self.horizon, self.self_forcing.horizon + 1 if self.self_forcing.after < 1 else 1)

    def time_share(self, progress: float) -> float:
        """Return the share of the time that this share of the steps takes.

        Later stages take longer: steps that predict more frames, and shortcut rows with two more evaluations.
        """
        unrolling = min(self.unroll_after, self.self_forcing.after)
        stages = ((unrolling, self.horizon - 1), (self.shortcut.after, 2 / 3 * self.shortcut.share))
        cost, whole = (at + sum(extra * max(at - first, 0.0) for first, extra in stages) for at in (progress, 1.0))
        return cost / whole
