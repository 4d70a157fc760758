"""Open-loop prediction: roll a world out under recorded actions, and compare with the recorded frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.data.windows import draw_evenly, usable_steps
from vdworld.evaluation.end_calibration import calibrate_ends
from vdworld.evaluation.patch_bank import record_patches
from vdworld.evaluation.scored_clips import ImaginedClips, imagine
from vdworld.evaluation.world_protocol import World
from vdworld.extras import require
from vdworld.metrics import Calibration, Interval, bootstrap_interval, paired_difference, ratio_interval
from vdworld.training.calibration import longest_episode

STEPS = (1, 5, 10, 20)
"""The steps ahead that tables report by default."""

_RANKS = {"well predicted": 0.9, "typical": 0.5, "poorly predicted": 0.1}


@dataclass(frozen=True)
class ExampleClip:
    """A clip to show in a report, uint8 pixels ``[t, h, w, c]``.

    Args:
        label: Its rank among the clips, such as ``"typical"``.
        episode: The number of its episode in the dataset's folder.
        step: The step of the last context frame.
        context: The real context frames.
        real: The real frames after them.
        imagined: The imagined frames after them.
    """

    label: str
    episode: int
    step: int
    context: np.ndarray
    real: np.ndarray
    imagined: np.ndarray


@dataclass(frozen=True)
class Prediction:
    """How well a world predicts held-out clips.

    Args:
        scores: One number per clip and step ``[clips, horizon]`` under each name: ``psnr`` and ``moving_psnr`` in dB,
            ``copy_psnr`` and ``copy_moving_psnr`` of repeating the last context frame, ``sharpness`` and
            ``union_sharpness``; with recordings to compare with, at `steps` alone, the distances ``patch_distance`` and
            ``real_patch_distance`` of moving patches of imagined and of real frames to recorded ones; with rewards,
            the absolute errors ``reward_error`` and ``mean_reward_error`` (of always predicting the mean reward).
        windows: Episode number and step of each clip's last context frame ``[clips, 2]``.
        steps: The steps ahead that tables report.
        seed: The seed of clips, dreams and intervals.
        frames_per_second: Imagined frames per second of wall time, over all clips of a batch.
        calibration: Calibration of the predicted ends of episodes (``calibrate_ends``); None if none ends.
        examples: A good, a median and a poor clip, ranked by moving-pixel PSNR at the last step.
    """

    scores: dict[str, np.ndarray]
    windows: np.ndarray
    steps: tuple[int, ...]
    seed: int
    frames_per_second: float
    calibration: Calibration | None = None
    examples: tuple[ExampleClip, ...] = field(default=(), repr=False)

    @property
    def num_clips(self) -> int:
        """The number of clips."""
        return len(self.windows)

    @property
    def num_episodes(self) -> int:
        """The number of episodes from which the clips are."""
        return len(np.unique(self.windows[:, 0]))

    @property
    def horizon(self) -> int:
        """The number of imagined steps."""
        return self.scores["psnr"].shape[1]

    @property
    def beside_copying(self) -> tuple[dict[int, tuple[float, float]], tuple[float, float]]:
        """The figures that ``vdworld.metrics.shortcomings`` compares: over all pixels by step, and over moving ones."""
        all_pixels = {step: (self._mean("psnr", step), self._mean("copy_psnr", step)) for step in self.steps}
        return all_pixels, (self._mean("moving_psnr", 1), self._mean("copy_moving_psnr", 1))

    def _mean(self, name: str, step: int) -> float:
        """Return the mean of a score over the clips that have it; NaN if none has."""
        values = self.scores[name][:, step - 1]
        values = values[~np.isnan(values)]
        return float(values.mean()) if len(values) else float("nan")

    def interval(self, name: str, step: int) -> Interval:
        """Return the mean of a score at a step ahead (1 is the first) with its 95% interval."""
        return bootstrap_interval(self.scores[name][:, step - 1], groups=self.windows[:, 0], seed=self.seed)

    def difference(self, first: str, second: str, step: int) -> Interval:
        """Return the mean difference of two scores at a step ahead, paired by clip, with its 95% interval."""
        left, right = self.scores[first][:, step - 1], self.scores[second][:, step - 1]
        return paired_difference(left, right, groups=self.windows[:, 0], seed=self.seed)

    def ratio(self, first: str, second: str, step: int) -> Interval:
        """Return the ratio of the means of two scores at a step ahead, with its 95% interval."""
        above, below = self.scores[first][:, step - 1], self.scores[second][:, step - 1]
        return ratio_interval(above, below, groups=self.windows[:, 0], seed=self.seed)


def predict(
    world: World,
    dataset: Dataset,
    *,
    recorded: Dataset | None = None,
    steps: Sequence[int] | None = None,
    num_clips: int = 128,
    batch_size: int = 32,
    num_sampling_steps: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Prediction:
    """Roll a world out from clips of held-out episodes under the recorded actions, and score its frames.

    Clips have full contexts and are drawn evenly over episodes. The dream of clip i has seed ``seed + i``.

    Args:
        world: The world to measure.
        dataset: Held-out episodes.
        recorded: Other episodes, such as those for training: the patch distance compares moving patches with theirs.
            Episodes that `dataset` holds too are left out. If there are no others, the patch distance is not measured.
        steps: Steps ahead to report; None takes those of 1, 5, 10 and 20 that the longest episode allows.
        num_clips: Number of clips; fewer if the dataset holds fewer.
        batch_size: Number of clips per batch.
        num_sampling_steps: Network evaluations per frame; None takes the world's default.
        seed: Seeds clips, dreams, patches and intervals.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: The action spaces of dataset and world differ, or no episode is long enough.
    """
    check_action_space(world, dataset)
    past = world.context_length - 1
    steps = reachable_steps(steps, longest_episode(dataset) - past)
    ranges = usable_steps(dataset, past=past, future=max(steps))
    windows = np.array(list(islice(draw_evenly(ranges, np.random.default_rng(seed)), num_clips)))
    sampler = ClipSampler(
        dataset,
        context_length=world.context_length,
        horizon=max(steps),
        image_size=world.image_size,
        cameras=world.cameras,
    )
    bank = None if recorded is None else record_patches(world, recorded, dataset, seed)
    batches, dreams = [], {"batch_size": batch_size, "num_sampling_steps": num_sampling_steps, "seed": seed}
    progress_bar = require("tqdm", extra="report").tqdm
    for first in progress_bar(range(0, len(windows), batch_size), "imagine", disable=not progress):
        batch = torch.from_numpy(windows[first : first + batch_size])
        seeds = list(range(seed + first, seed + first + len(batch)))
        clips = sampler.at(*batch.T.contiguous())
        scored = {"bank": bank, "steps": steps}
        batches.append(imagine(world, clips, seeds=seeds, num_sampling_steps=num_sampling_steps, **scored))
    clips = ImaginedClips.concatenate(batches)
    return Prediction(
        scores=clips.scores | (_reward_errors(clips) if dataset.has_rewards else {}),
        windows=windows,
        steps=steps,
        seed=seed,
        frames_per_second=len(windows) * max(steps) / float(clips.seconds.sum()),
        calibration=calibrate_ends(world, dataset, sampler, num_clips=num_clips, **dreams),
        examples=_examples(clips, windows),
    )


def check_action_space(world: World, dataset: Dataset) -> None:
    """Raise a ValueError if the action spaces of dataset and world differ."""
    if dataset.action_space != world.action_space:
        raise ValueError(
            f"`dataset` must have the world's action space, {world.action_space}, got {dataset.action_space}. "
            "Evaluate on recordings of the environment that the world was trained on."
        )


def reachable_steps(steps: Sequence[int] | None, longest: int) -> tuple[int, ...]:
    """Return the steps ahead to report, sorted.

    Args:
        steps: The requested steps; None takes those of ``STEPS`` up to `longest`.
        longest: Number of steps after the context in the longest episode.

    Raises:
        ValueError: A requested step is less than 1 or more than `longest`, or `longest` is less than 1.
    """
    reported = tuple(sorted(set(steps))) if steps is not None else tuple(s for s in STEPS if s <= longest) or (1,)
    if not reported or reported[0] < 1:
        raise ValueError(f"`steps` must be positive step counts, got {steps}.")
    if reported[-1] > longest:
        raise ValueError(
            f"`dataset` must hold an episode of {reported[-1]} steps after the context, the longest has "
            f"{max(longest, 0)}. Report fewer steps ahead or record longer episodes."
        )
    return reported


def _reward_errors(clips: ImaginedClips) -> dict[str, np.ndarray]:
    if clips.predicted_rewards is None:
        return {}
    real = clips.rewards
    return {"reward_error": np.abs(clips.predicted_rewards - real), "mean_reward_error": np.abs(real.mean() - real)}


def _examples(clips: ImaginedClips, windows: np.ndarray) -> tuple[ExampleClip, ...]:
    """Select clips by rank; clips without motion, which score NaN, only if there are no others."""
    scores = clips.scores["moving_psnr"][:, -1]
    if np.isnan(scores).all():
        scores = clips.scores["psnr"][:, -1]
    order = np.argsort(scores)[: int((~np.isnan(scores)).sum())]  # NaNs sort last
    past = clips.real.shape[1] - clips.imagined.shape[1]
    examples = {}
    for label, share in _RANKS.items():
        i = int(order[round(share * (len(order) - 1))])
        if i not in examples:
            episode, step = (int(number) for number in windows[i])
            real = clips.real[i]
            examples[i] = ExampleClip(label, episode, step, real[:past], real[past:], clips.imagined[i])
    return tuple(examples.values())
