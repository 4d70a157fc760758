"""The training loop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from vdworld.data import ClipSource
from vdworld.networks import ExponentialMovingAverage, VideoNetwork
from vdworld.storage.interrupts import StopRequest
from vdworld.training.batch import Batch, encode
from vdworld.training.gradient_step import gradient_step, keep_failed_batch
from vdworld.training.likely_motion import LikelyMotion
from vdworld.training.loss import shortcut_loss, world_loss
from vdworld.training.memory_estimate import check_training_memory
from vdworld.training.optimizer import Muon, split_parameters
from vdworld.training.plateau import Plateau
from vdworld.training.run_settings import RunSettings
from vdworld.training.self_forcing import self_forced_batch
from vdworld.training.stages import StepPlan, plan_step
from vdworld.training.trainer_checkpoint import resume_trainer, save_trainer
from vdworld.training.trainer_settings import TrainerSettings
from vdworld.training.training_log import TrainingLog, say
from vdworld.training.validation import Validation
from vdworld.world import WorldModel
from vdworld.world.precision import autocast


class Trainer:
    """Train a world on clips and keep a moving average of its weights.

    Args:
        world: The world to train. Its weights change.
        clips: Source of the training clips.
        validation: Measures the world on held-out clips.
        settings: How to train, with a batch size and a limit; ``TrainerSettings.with_defaults_of`` fills in both.
        output: Folder for checkpoints and TensorBoard logs. None writes nothing.
        seed: Seed of everything random in training.

    Attributes:
        measures: The last measurement on held-out clips; see ``Validation.measure``.

    Raises:
        ValueError: The settings have no batch size or no limit.
    """

    def __init__(
        self,
        world: WorldModel,
        clips: ClipSource,
        validation: Validation,
        settings: TrainerSettings,
        *,
        output: Path | None = None,
        seed: int = 0,
    ) -> None:
        if settings.batch_size is None or (settings.max_steps is None and settings.max_minutes is None):
            raise ValueError(
                "`settings` must hold a `batch_size` and `max_steps` or `max_minutes`, got None. "
                "Fill them from a preset: settings.with_defaults_of(preset, network)."
            )
        self.world, self.clips, self.validation = world, clips, validation
        self.settings, self.batch_size, self.output = settings, settings.batch_size, output
        self.rng = torch.Generator().manual_seed(seed)
        self.average = ExponentialMovingAverage(world, settings.ema_decay)
        self.parameters = list(world.requires_grad_(True).parameters())
        inner, outer = split_parameters(world.network)
        outer += list(world.heads.parameters())
        decay = settings.weight_decay
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(outer, lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=decay),
            Muon(inner, lr=settings.muon_learning_rate, weight_decay=decay),
        ]
        self.peak_rates = [settings.learning_rate, settings.muon_learning_rate]
        self.plateau = Plateau(settings.plateau_cuts)
        self.measures: dict[str, float] = {}
        self.motion = LikelyMotion.measure(clips).to(world.device)
        self.step, self.seconds_before, self.started = 0, 0.0, time.monotonic()
        self.run = run_settings(world, settings, seed)

    @property
    def seconds(self) -> float:
        """Seconds of training so far, including earlier parts of a resumed run."""
        return self.seconds_before + time.monotonic() - self.started

    @property
    def progress(self) -> float:
        """Completed share of the run, in [0, 1]."""
        settings = self.settings
        by_steps = self.step / settings.max_steps if settings.max_steps is not None else 0.0
        by_time = self.seconds / (60 * settings.max_minutes) if settings.max_minutes is not None else 0.0
        return min(max(by_steps, by_time), 1.0)

    @property
    def elapsed_share(self) -> float:
        """Elapsed share of the run's time, in [0, 1]."""
        return self.progress if self.settings.max_minutes is not None else self.settings.time_share(self.progress)

    def fit(self) -> WorldModel:
        """Train to the end and return the world with averaged weights.

        After Ctrl-C, the current step is completed and a checkpoint is written; then KeyboardInterrupt is raised. The
        second Ctrl-C raises it at once, and the last checkpoint stays.

        Raises:
            FloatingPointError: A loss, a gradient or a weight is NaN or infinite. The last checkpoint stays.
            MemoryError: A step does not fit into the memory; found before the first one where that can be estimated.
        """
        self.started = time.monotonic()
        settings, gifs_done = self.settings, int(self.progress * self.settings.num_rollout_gifs)
        self.world.train()
        check_training_memory(self)
        with TrainingLog(self.output) as log, StopRequest() as stop:
            for plan in self._plans():
                losses = self._update(plan)
                figures = {**losses, "learning_rate": settings.learning_rate * self._schedule()}
                log.step(self.step, self.elapsed_share, self.batch_size * plan.num_targets, figures)
                if self.step % settings.validate_every == 0 or self.step == 1:
                    measures = self._measure(log)
                    self.plateau.step(self.step, measures["moving_psnr"], plan.stage)
                if int(self.progress * settings.num_rollout_gifs) > gifs_done:
                    gifs_done = int(self.progress * settings.num_rollout_gifs)
                    log.rollout(self.step, self.validation.comparison(self.average.average))
                if stop.is_set() or self.step % settings.checkpoint_every == 0:
                    self.save()
                if stop.is_set():
                    raise KeyboardInterrupt
            self.save()
            if not stop.is_set():
                self._measure(log)
        return self.average.average

    def _measure(self, log: TrainingLog) -> dict[str, float]:
        self.measures = self.validation.measure(self.average.average)
        log.validation(self.step, self.measures)
        return self.measures

    def save(self) -> None:
        """Write a checkpoint if there is an output folder."""
        if self.output is not None:
            save_trainer(self, self.output)

    def resume(self) -> None:
        """Resume from the last checkpoint, and say which settings changed since.

        Raises:
            FileNotFoundError: There is no checkpoint.
            ValueError: It is damaged, or belongs to another network, process or kind of data.
        """
        if self.output is None:
            raise ValueError("`output` must name the folder of the run to resume, got None.")
        resume_trainer(self, self.output)
        if self.progress >= 1:
            say(f"The run is complete after {self.step} steps. Raise `max_steps` or `max_minutes` to train further.")

    def _plans(self) -> Iterator[StepPlan]:
        while self.progress < 1.0:
            is_video, is_new = isinstance(self.world.network, VideoNetwork), not self.world.training_info
            yield plan_step(self.settings, self.progress, is_video, self.rng, is_new=is_new)

    def _update(self, plan: StepPlan) -> dict[str, Tensor]:
        places = plan.places(self.batch_size, self.world.context_length, self.settings.num_targets, self.rng)
        clips = self.clips.sample(self.batch_size, self.rng, places)
        for optimizer, peak in zip(self.optimizers, self.peak_rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * self._schedule()
        with autocast(self.world.device, self.settings.precision):
            losses = self._losses(encode(self.world, clips), plan)
        try:
            gradient_step(losses, self.parameters, self.optimizers, self.settings.max_gradient_norm)
        except FloatingPointError as error:
            kept = keep_failed_batch(self.output, vars(clips))
            raise FloatingPointError(
                f"Training stopped in step {self.step + 1}: {error} {kept} Its clips are from the episodes "
                f"{sorted(set(clips.episodes.tolist()))}. Lower `learning_rate` and `muon_learning_rate`."
            ) from error
        self.average.update(self.world)
        self.step += 1
        return {name: value.detach() for name, value in losses.items()}

    def _losses(self, batch: Batch, plan: StepPlan) -> dict[str, Tensor]:
        """Return the loss and its parts. In later stages some rows train shortcuts, and pasts are sampled."""
        settings, num_jumps, average = self.settings, plan.num_jumps(len(batch)), self.average.average
        common = (settings.weights, settings.corruption, self.rng)
        if plan.num_sampled is not None:
            batch = self_forced_batch(average, batch, plan.num_sampled, self.rng)
        frame_rows, shortcut_rows = batch[num_jumps:], batch[:num_jumps]
        options = {
            "sampled": bool(plan.num_sampled),
            "motion": self.motion,
            "change_emphasis": plan.change_emphasis,
        }
        stage = {"horizon": plan.num_targets, "whole_clips": plan.whole_clips}
        losses = world_loss(self.world, frame_rows, *common, **stage, **options)
        if not num_jumps:
            return losses
        finest = settings.shortcut.finest
        term = shortcut_loss(self.world, average, shortcut_rows, *common, finest=finest, **options)
        share = num_jumps / len(batch)
        return {**losses, "loss": (1 - share) * losses["loss"] + share * term, "shortcut": term}

    def _schedule(self) -> float:
        """Return the learning rates of the next step as a share of their peaks."""
        warm = min((self.step + 1) / max(self.settings.warmup_steps, 1), 1.0)
        falling = min((1.0 - self.progress) / max(self.settings.decay_fraction, 1e-9), 1.0)
        return warm * falling * self.plateau.factor


def run_settings(world: WorldModel, settings: TrainerSettings, seed: int) -> RunSettings:
    """Return what decides a run: the world, which a resumed run keeps, and how it is trained."""
    parts = {"network": world.network, "process": world.process}
    fixed = {
        **{name: getattr(part, "description", type(part).__name__) for name, part in parts.items()},
        "image_size": world.image_size,
        "cameras": world.cameras,
        "readings": list(world.readings),
        "action_space": world.action_space,
        "rewards": world.has_reward,
    }
    return RunSettings(fixed, {**asdict(settings), "sampling": asdict(world.sampling), "seed": seed})
