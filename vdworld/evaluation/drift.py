"""Long dreams: whether frames still look like recorded ones after a thousand imagined steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vdworld.data import Clips, Dataset
from vdworld.evaluation.data_range import DataRange
from vdworld.evaluation.frame_statistics import frame_statistics
from vdworld.evaluation.prediction import check_action_space
from vdworld.evaluation.reference_clips import WINDOW, ReferenceClips
from vdworld.evaluation.world_protocol import World
from vdworld.extras import require
from vdworld.metrics import Interval, bootstrap_interval
from vdworld.spaces import frames_to_pixels, unflatten_action

DRIFT_STEPS = (16, 64, 256, 1_000)
"""The steps at which drift is reported."""

FAILURE_MODES = ("dissolved", "frozen")
"""Failure modes of long dreams, worst first."""

_CHUNK = 50  # steps imagined at a time, so that memory does not grow with the length of the dream


@dataclass(frozen=True)
class Drift:
    """Statistics of long dreams, beside those of recorded frames.

    Args:
        statistics: One number per dream and step ``[b, h]`` under each name: ``brightness``, ``contrast`` and
            ``motion`` in grey levels, ``sharpness`` (gradient energy; 1 is the mean of recorded frames), ``saturation``
            (share of values near black or white), ``distance`` to the nearest recorded frame of another episode (1 is
            the median of recorded frames). See ``frame_statistics`` and ``NearestFrames``.
        data: The same statistics of recorded windows.
        steps: The steps that tables report.
        frames: uint8 pixels ``[b, 1 + len(steps), h, w, c]``: the last context frame, then the frames at `steps`.
        windows: Episode number and start step of each dream ``[b, 2]``.
        num_sampling_steps: Network evaluations per frame; None for the world's default.
        seed: The seed of starts, actions, dreams and intervals.
    """

    statistics: dict[str, np.ndarray]
    data: DataRange
    steps: tuple[int, ...]
    frames: np.ndarray = field(repr=False)
    windows: np.ndarray
    num_sampling_steps: int | None
    seed: int

    @property
    def num_lanes(self) -> int:
        """The number of dreams."""
        return len(self.windows)

    def at(self, step: int) -> dict[str, np.ndarray]:
        """Return the statistics of every dream ``[b]``, averaged over the ``WINDOW`` steps that end at `step`."""
        return {name: values[:, step - WINDOW : step].mean(axis=1) for name, values in self.statistics.items()}

    def interval(self, name: str, step: int) -> Interval:
        """Return the mean of a statistic over dreams at a step with its 95% interval."""
        return bootstrap_interval(self.at(step)[name], groups=self.windows[:, 0], seed=self.seed)

    def slope(self, name: str, first: int | None = None, last: int | None = None) -> Interval:
        """Return the change of a statistic per 100 steps, in units of ``DataRange.unit``, with its 95% interval.

        Args:
            name: The statistic.
            first: From this step; None takes the first reported step.
            last: To this step; None takes the last. The change is NaN if it equals `first`.
        """
        first, last = self.steps[0] if first is None else first, self.steps[-1] if last is None else last
        change = (self.at(last)[name] - self.at(first)[name]) / self.data.unit(name)
        per_hundred = 100 * change / (last - first) if last > first else np.full(self.num_lanes, np.nan)
        return bootstrap_interval(per_hundred, groups=self.windows[:, 0], seed=self.seed)

    def share(self, failure: str, step: int) -> float:
        """Return the share of dreams that are ``"frozen"`` or ``"dissolved"`` at a step; see ``DataRange``."""
        return float(getattr(self.data, failure)(self.at(step)).mean())

    def verdict(self, step: int) -> str:
        """Return the worst failure mode at a step that exceeds chance, or ``"healthy"``; see ``DataRange``."""
        values = self.at(step)
        return next((mode for mode in FAILURE_MODES if self.data.exceeds_chance(mode, values)), "healthy")

    @property
    def collapse(self) -> int | None:
        """The first reported step at which the verdict is not ``"healthy"``, or None."""
        return next((step for step in self.steps if self.verdict(step) != "healthy"), None)

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        pairs = [(self.steps[0], self.steps[-1]), *zip(self.steps[:-1], self.steps[1:], strict=True)]
        return {
            "steps": list(self.steps),
            "num_lanes": self.num_lanes,
            "window": WINDOW,
            "num_sampling_steps": self.num_sampling_steps,
            "seed": self.seed,
            "starts": self.windows.tolist(),
            "statistics": {
                name: {
                    "data_range": list(self.data.bounds(name)),
                    "unit": self.data.unit(name),
                    "slack": self.data.slack.get(name, 0.0),
                    "dreams": {str(step): self.interval(name, step).to_json() for step in self.steps},
                    "per_100_steps": {f"{a} to {b}": self.slope(name, a, b).to_json() for a, b in dict.fromkeys(pairs)},
                }
                for name in self.statistics
            },
            "shares": {
                mode: {"data": float(self.data.recorded(mode).mean())}
                | {str(s): self.share(mode, s) for s in self.steps}
                for mode in FAILURE_MODES
            },
            "verdicts": {str(step): self.verdict(step) for step in self.steps},
            "collapse": self.collapse,
        }


@torch.no_grad()
def measure_drift(
    world: World,
    dataset: Dataset,
    *,
    reference: Dataset | None = None,
    steps: Sequence[int] = DRIFT_STEPS,
    num_lanes: int = 16,
    num_sampling_steps: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Drift:
    """Imagine long videos under recorded actions, and compare statistics of their frames with those of recorded frames.

    A dream starts at a recorded step and follows the actions recorded from there, then those of randomly drawn
    episodes. Imagined ends of episodes are ignored. Dream i has seed ``seed + i``.

    Args:
        world: The world to measure.
        dataset: Held-out episodes; they give starts, actions and the recorded range.
        reference: Episodes whose frames dreams are compared with, such as all recordings; None takes `dataset`.
            Frames are never compared with their own episode.
        steps: The steps to report, each at least ``WINDOW``; dreams are as long as the last.
        num_lanes: Number of dreams; fewer if there are fewer starts.
        num_sampling_steps: Network evaluations per frame; None takes the world's default.
        seed: Seeds starts, actions, dreams and intervals.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: The dataset does not fit the world or is too small, or a step is less than ``WINDOW``.
    """
    check_action_space(world, dataset)
    reported = tuple(sorted(set(steps)))
    if not reported or reported[0] < WINDOW:
        raise ValueError(f"`steps` must be step counts of at least {WINDOW}, got {list(steps)}.")
    clips = ReferenceClips(world, dataset, dataset if reference is None else reference, seed=seed)
    starts = clips.starts(num_lanes)
    statistics, frames = _dream(world, clips, starts, reported, num_sampling_steps, seed, progress)
    return Drift(
        statistics={name: values.numpy() / clips.scales.get(name, 1.0) for name, values in statistics.items()},
        data=clips.data_range,
        steps=reported,
        frames=frames.numpy(),
        windows=torch.stack([starts.episodes, starts.steps], dim=1).numpy(),
        num_sampling_steps=num_sampling_steps,
        seed=seed,
    )


def drift_steps_up_to(longest: int) -> tuple[int, ...]:
    """Return the steps to report in dreams of `longest` steps: those of ``DRIFT_STEPS`` below it, and itself.

    Raises:
        ValueError: `longest` is less than ``WINDOW``.
    """
    if longest < WINDOW:
        raise ValueError(f"`drift_steps` must be at least {WINDOW}, got {longest}.")
    return (*(step for step in DRIFT_STEPS if step < longest), longest)


def _dream(
    world: World,
    clips: ReferenceClips,
    starts: Clips,
    steps: tuple[int, ...],
    num_sampling_steps: int | None,
    seed: int,
    progress: bool,
) -> tuple[dict[str, Tensor], Tensor]:
    """Return the statistics of every frame ``[b, h]``, and the last context frame and those at `steps`."""
    past, length = world.context_length, steps[-1]
    actions = clips.actions(starts, length)
    context = starts.frames[:, :past].float().div(127.5).sub(1.0)
    before = unflatten_action(world.action_space, starts.actions[:, : past - 1])
    state = world.start(context.to(world.device), before, seed=list(range(seed, seed + len(starts))))
    last = starts.frames[:, past - 1 : past].movedim(-3, -1)
    kept_frames, chunks = [last], []
    progress_bar = require("tqdm", extra="report").tqdm
    for first in progress_bar(range(0, length, _CHUNK), "imagine long videos", disable=not progress):
        ahead = unflatten_action(world.action_space, actions[:, first : first + _CHUNK])
        rollout = world.rollout(state, ahead, num_sampling_steps=num_sampling_steps)
        state, pixels = rollout.state, frames_to_pixels(rollout.frames).cpu()
        distance = clips.nearest.distances(pixels, starts.episodes)
        chunks.append(frame_statistics(torch.cat([last, pixels], dim=1)) | {"distance": distance})
        kept_frames += [pixels[:, step - first - 1, None] for step in steps if first < step <= first + pixels.shape[1]]
        last = pixels[:, -1:]
    statistics = {name: torch.cat([chunk[name] for chunk in chunks], dim=1) for name in chunks[0]}
    return statistics, torch.cat(kept_frames, dim=1)
