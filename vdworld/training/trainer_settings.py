"""Every number that decides how a world is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from vdworld.argument_hints import refuse_former
from vdworld.networks import Network
from vdworld.setting_types import check_types
from vdworld.training.batch import ContextCorruption
from vdworld.training.loss import LossWeights
from vdworld.training.motion_curriculum import MotionCurriculum
from vdworld.training.renamed_settings import present_name
from vdworld.training.self_forcing import SelfForcing
from vdworld.world import Preset

MAX_LEARNING_RATE = 1_000  # far beyond any that trains; much larger ones overflow the optimisers


@dataclass(frozen=True)
class Shortcut:
    """Training for few sampling steps (``vdworld.diffusion.shortcut_target``).

    Args:
        share: Share of the clips that train long steps. 0 trains a world without shortcuts; 0.25 is usual.
        after: Share of the run after which shortcut training begins. Before, there is nothing to take a shortcut
            through.
        finest: The number of sampling steps from which no step is a shortcut; a power of two.

    Raises:
        ValueError: A value is out of range.
    """

    share: float = 0.0
    after: float = 0.3
    finest: int = 32

    def __post_init__(self) -> None:
        check_types(self)
        if not 0 <= self.share < 1:
            raise ValueError(f"`shortcut.share` must lie in [0, 1), got {self.share}.")
        if self.finest < 2 or self.finest & (self.finest - 1):
            raise ValueError(f"`shortcut.finest` must be a power of two and at least 2, got {self.finest}.")


@refuse_former(hiding="is now called `corruption`")
@dataclass(frozen=True)
class TrainerSettings:
    """How a world is trained.

    Args:
        max_steps: Number of optimiser steps after which training stops. None sets no such limit.
        max_minutes: Minutes of wall-clock time after which training stops, those before an interruption included. The
            learning rate then follows the clock. If both limits are None, ``train`` takes the preset's time.
        batch_size: Clips per step. None takes the preset's number for the network.
        horizon: Target frames per clip. All but the first are predicted from the model's own estimates.
        unroll_after: Share of the run before which only the first target frame is predicted. A model that knows
            nothing yet learns nothing from its own estimates.
        learning_rate: Peak learning rate of AdamW, after the warm-up.
        muon_learning_rate: Peak learning rate of Muon, which trains the matrices between hidden features.
        warmup_steps: Steps over which the learning rate rises from 0.
        decay_fraction: Last share of the run, over which the learning rate falls linearly to 0.
        plateau_cuts: How often the learning rate is halved, at most, when measurements on held-out clips stop
            improving (``vdworld.training.plateau``).
        weight_decay: Weight decay of both optimisers.
        max_gradient_norm: Norm to which gradients are clipped.
        ema_decay: Decay of the moving average of the weights, which is what training returns.
        precision: "auto", "float32" or "bfloat16".
        checkpoint_every: Steps between checkpoints. The last step always writes one.
        validate_every: Steps between measurements on held-out clips.
        num_rollout_gifs: Number of animated rollouts logged over the whole run.
        weights: Weights of the parts of the loss.
        motion_curriculum: How long what changes counts more, at the start of a run.
        corruption: How training corrupts the network's context.
        shortcut: Training for few sampling steps.
        self_forcing: A last stage that reduces drift.

    Raises:
        ValueError: A value is out of range.
    """

    max_steps: int | None = None
    max_minutes: float | None = None
    batch_size: int | None = None
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
    motion_curriculum: MotionCurriculum = field(default_factory=MotionCurriculum)
    corruption: ContextCorruption = field(default_factory=ContextCorruption)
    shortcut: Shortcut = field(default_factory=Shortcut)
    self_forcing: SelfForcing = field(default_factory=SelfForcing)

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("max_steps", "max_minutes", "batch_size", "horizon", "checkpoint_every", "validate_every"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"`{name}` must be positive, got {value}.")
        for name in ("learning_rate", "muon_learning_rate"):
            if not 0 <= getattr(self, name) <= MAX_LEARNING_RATE:
                raise ValueError(f"`{name}` must lie in [0, {MAX_LEARNING_RATE}], got {getattr(self, name)}.")
        if self.plateau_cuts < 0:
            raise ValueError(f"`plateau_cuts` must not be negative, got {self.plateau_cuts}.")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise ValueError(f'`precision` must be "auto", "float32" or "bfloat16", got {self.precision!r}.')

    def with_fields(self, values: Mapping[str, Any]) -> TrainerSettings:
        """Return settings with some fields replaced; None values change nothing.

        Raises:
            ValueError: There is no such field, or a value is out of range.
        """
        names = {field.name for field in fields(self)}
        for name in sorted(values.keys() - names):
            if present := present_name(name):
                raise ValueError(f"The setting `{name}` of `train` is now called `{present}`.")
            raise ValueError(f"`train` has no setting {name}. It takes {', '.join(sorted(names))}.")
        return replace(self, **{name: value for name, value in values.items() if value is not None})

    def with_defaults_of(self, preset: Preset, network: Network) -> TrainerSettings:
        """Return settings whose batch size and, if there is no limit, training time are filled in from a preset."""
        values: dict[str, Any] = {}
        if self.batch_size is None:
            values["batch_size"] = preset.batch_size_for(network)
        if self.max_steps is None and self.max_minutes is None:
            values["max_minutes"] = preset.max_minutes
        return replace(self, **values)

    @property
    def num_targets(self) -> int:
        """Target frames that a clip must hold."""
        return max(self.horizon, self.self_forcing.horizon + 1 if self.self_forcing.after < 1 else 1)

    def time_share(self, progress: float) -> float:
        """Return the share of the run's time that a share of its steps takes.

        Later stages take longer: steps that predict more frames, and shortcut rows with two more evaluations.
        """
        unrolling = min(self.unroll_after, self.self_forcing.after)
        stages = ((unrolling, self.horizon - 1), (self.shortcut.after, 2 / 3 * self.shortcut.share))
        cost, whole = (at + sum(extra * max(at - first, 0.0) for first, extra in stages) for at in (progress, 1.0))
        return cost / whole
