"""The training loop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vdworld.data import Clips, ClipSampler
from vdworld.networks import ExponentialMovingAverage
from vdworld.training import checkpoint as files
from vdworld.training.batch import Batch, Hiding, encode
from vdworld.training.logging import TrainingLog
from vdworld.training.loss import LossWeights, shortcut_loss, world_loss
from vdworld.training.optimizer import Muon, split_parameters
from vdworld.training.precision import autocast
from vdworld.training.self_forcing import SelfForcing, force
from vdworld.training.validation import Validation
from vdworld.world import WorldModel


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
        muon_learning_rate: Peak of Muon's, which trains the convolutions between hidden features.
        warmup_steps: Steps over which the learning rate rises from 0.
        decay_fraction: Last share of the run in which the learning rate falls linearly to 0.
        weight_decay: Of both optimisers.
        max_gradient_norm: Gradients are scaled down to this norm.
        ema_decay: Decay of the weights' running average, which is what training returns.
        precision: "auto", "float32" or "bfloat16".
        checkpoint_every: Steps between checkpoints; a last one is always written.
        validate_every: Steps between measurements on held-out clips.
        num_rollout_gifs: Animated rollouts over the whole run.
        weights: How the parts of the loss add up.
        hiding: What is hidden from the network now and then.
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
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    ema_decay: float = 0.999
    precision: str = "auto"
    checkpoint_every: int = 500
    validate_every: int = 100
    num_rollout_gifs: int = 4
    weights: LossWeights = field(default_factory=LossWeights)
    hiding: Hiding = field(default_factory=Hiding)
    shortcut: Shortcut = field(default_factory=Shortcut)
    self_forcing: SelfForcing = field(default_factory=SelfForcing)

    def __post_init__(self) -> None:
        for name in ("max_steps", "max_minutes", "batch_size", "horizon", "checkpoint_every", "validate_every"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"`{name}` must be positive, got {value}.")
        if self.max_steps is None and self.max_minutes is None:
            raise ValueError("`max_steps` or `max_minutes` must say when training ends, got None for both.")


class Trainer:
    """Train a world on clips, and keep the average of its weights.

    Args:
        world: The world in training; its weights change.
        clips: Where the training clips come from.
        validation: Measures on held-out clips.
        settings: How to train.
        output: Folder for checkpoints and TensorBoard logs; None keeps nothing on disk.
        seed: Of everything random in training.
    """

    def __init__(
        self,
        world: WorldModel,
        clips: ClipSampler,
        validation: Validation,
        settings: TrainerSettings,
        *,
        output: Path | None = None,
        seed: int = 0,
    ) -> None:
        self.world, self.clips, self.validation = world, clips, validation
        self.settings, self.output = settings, output
        self.rng = torch.Generator().manual_seed(seed)
        self.rng_state = self.rng.get_state()  # after the last whole step: Ctrl-C comes in the middle of one
        self.average = ExponentialMovingAverage(world, settings.ema_decay)
        self.parameters = list(world.requires_grad_(True).parameters())
        inner, outer = split_parameters(world.network)
        outer += list(world.heads.parameters())
        decay = settings.weight_decay
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(outer, lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=decay),
            Muon(inner, lr=settings.muon_learning_rate, weight_decay=decay),
        ]
        self.peaks = [settings.learning_rate, settings.muon_learning_rate]
        self.step, self.seconds_before, self.started = 0, 0.0, time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall-clock time of training so far, earlier parts of a resumed run included."""
        return self.seconds_before + time.monotonic() - self.started

    @property
    def progress(self) -> float:
        """Share of the run that is done, in [0, 1]."""
        settings = self.settings
        by_steps = self.step / settings.max_steps if settings.max_steps is not None else 0.0
        by_time = self.seconds / (60 * settings.max_minutes) if settings.max_minutes is not None else 0.0
        return min(max(by_steps, by_time), 1.0)

    @property
    def share(self) -> float:
        """Share of the run's time that has passed: later stages take longer, shortcut rows two more evaluations."""
        if self.settings.max_minutes is not None:
            return self.progress
        settings = self.settings
        unrolling = min(settings.unroll_after, settings.self_forcing.after)
        stages = ((unrolling, settings.horizon - 1), (settings.shortcut.after, 2 / 3 * settings.shortcut.share))
        costs = (sum(extra * max(at - first, 0.0) for first, extra in stages) + at for at in (self.progress, 1.0))
        return next(costs) / next(costs)

    @property
    def unrolled(self) -> int:
        """How many target frames of each clip the next step predicts."""
        return self.settings.horizon if self.progress >= self.settings.unroll_after else 1

    def fit(self) -> WorldModel:
        """Train to the end and return the world with averaged weights.

        On Ctrl-C a checkpoint is written before KeyboardInterrupt goes on.
        """
        self.started = time.monotonic()
        settings, gifs_done = self.settings, int(self.progress * self.settings.num_rollout_gifs)
        self.world.train()
        with TrainingLog(self.output) as log:
            try:
                for batch in self._batches():
                    losses = self._update(batch)
                    rate = settings.learning_rate * self._schedule()
                    log.step(self.step, self.share, len(batch) * self.unrolled, {**losses, "learning_rate": rate})
                    if self.step % settings.validate_every == 0 or self.step == 1:
                        log.validation(self.step, self.validation.measure(self.average.average))
                    if int(self.progress * settings.num_rollout_gifs) > gifs_done:
                        gifs_done = int(self.progress * settings.num_rollout_gifs)
                        log.rollout(self.step, self.validation.film(self.average.average))
                    if self.step % settings.checkpoint_every == 0:
                        self.save()
            except KeyboardInterrupt:
                self.save()
                raise
            self.save()
            log.validation(self.step, self.validation.measure(self.average.average))
        return self.average.average

    def save(self) -> None:
        """Write a checkpoint, if there is a folder for it."""
        if self.output is None:
            return
        tensors = {
            **files.module_tensors("world", self.world),
            **files.module_tensors("average", self.average.average),
            "rng": self.rng_state,
        }
        for i, optimizer in enumerate(self.optimizers):
            tensors |= files.optimizer_tensors(f"optimizer{i}", optimizer)
        progress = {"step": self.step, "seconds": self.seconds, "num_averages": self.average.num_updates}
        files.save_checkpoint(self.output, tensors, progress)

    def resume(self) -> None:
        """Go on from the last checkpoint.

        Raises:
            FileNotFoundError: There is none.
            ValueError: It belongs to another world.
        """
        if self.output is None:
            raise ValueError("`output` must name the folder of the run to resume, got None.")
        tensors, progress = files.load_checkpoint(self.output)
        try:
            files.load_module("world", self.world, tensors)
            files.load_module("average", self.average.average, tensors)
        except RuntimeError as error:
            raise ValueError(f"The checkpoint in {self.output} belongs to another network: {error}") from error
        for i, optimizer in enumerate(self.optimizers):
            files.load_optimizer(f"optimizer{i}", optimizer, tensors)
        self.rng.set_state(tensors["rng"])
        self.rng_state = tensors["rng"]
        self.step, self.seconds_before = progress["step"], progress["seconds"]
        self.average.num_updates = progress["num_averages"]

    def _batches(self) -> Iterator[Clips]:
        while self.progress < 1.0:
            yield self.clips.sample(self.settings.batch_size, self.rng)

    def _update(self, batch: Clips) -> dict[str, Any]:
        for optimizer, peak in zip(self.optimizers, self.peaks, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * self._schedule()
        with autocast(self.world.device, self.settings.precision):
            losses = self._losses(encode(self.world, batch))
        self.world.zero_grad(set_to_none=True)
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.max_gradient_norm)
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update(self.world)
        self.step, self.rng_state = self.step + 1, self.rng.get_state()
        return {name: value.detach() for name, value in losses.items()}

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the loss and its parts; some rows train shortcuts once that stage has begun."""
        settings, shortcut = self.settings, self.settings.shortcut
        jumping = round(shortcut.share * len(batch)) if self.progress >= shortcut.after else 0
        common = (settings.weights, settings.hiding, self.rng)
        forced, horizon = self.progress >= settings.self_forcing.after, self.unrolled
        if forced:
            length = int(torch.randint(settings.self_forcing.horizon + 1, (), generator=self.rng))
            batch, horizon = force(self.average.average, batch, length, self.rng), 1
        losses = world_loss(self.world, batch[jumping:], *common, horizon=horizon, whole_clips=not forced)
        if not jumping:
            return losses
        term = shortcut_loss(self.world, self.average.average, batch[:jumping], *common, finest=shortcut.finest)
        share = jumping / len(batch)
        return {**losses, "loss": (1 - share) * losses["loss"] + share * term, "shortcut": term}

    def _schedule(self) -> float:
        """Return the share of the peak learning rates that the next step takes."""
        warm = min((self.step + 1) / max(self.settings.warmup_steps, 1), 1.0)
        falling = min((1.0 - self.progress) / max(self.settings.decay_fraction, 1e-9), 1.0)
        return warm * falling
