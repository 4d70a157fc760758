"""Long dreams: whether a world that feeds on its own frames for a thousand steps still shows what was recorded."""

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
from vdworld.evaluation.reference_clips import WINDOW, Film
from vdworld.evaluation.world_protocol import World
from vdworld.extras import require
from vdworld.metrics import Interval, bootstrap_interval
from vdworld.spaces import frames_to_pixels, unflatten_action

DRIFT_STEPS = (16, 64, 256, 1_000)
"""The steps at which drift is reported."""

FAULTS = ("dissolved", "frozen")
"""What may befall a dream, the worse first."""

_CHUNK = 50  # steps imagined at a time, so that memory does not grow with the dream


@dataclass(frozen=True)
class Drift:
    """How long dreams change, beside recorded film.

    Args:
        statistics: One number per dream and step ``[b, h]`` under each name: ``brightness``, ``contrast`` and
            ``motion`` in grey levels, ``sharpness`` (gradient energy; 1 is the data's mean), ``saturation`` (share of
            values near black or white), ``distance`` to the nearest recorded frame of another episode (1 is the median
            of recorded frames). See ``frame_statistics`` and ``NearestFrames``.
        data: The same of recorded film, averaged over windows.
        steps: The steps that tables report.
        frames: uint8 pixels ``[b, 1 + len(steps), h, w, c]``: the last frame given, then those at `steps`.
        windows: Episode number and moment from which each dream starts ``[b, 2]``.
        num_sampling_steps: Network evaluations per frame; None if it was left to the world.
        seed: Of starts, actions, dreams and intervals.
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
        """Return how a statistic changes in 100 steps, in standard deviations of the data, with its 95% interval.

        Args:
            name: The statistic.
            first: From this step; None takes the first that is reported.
            last: To this step; None takes the last. NaN if it is the same.
        """
        first, last = self.steps[0] if first is None else first, self.steps[-1] if last is None else last
        change = (self.at(last)[name] - self.at(first)[name]) / self.data.unit(name)
        per_hundred = 100 * change / (last - first) if last > first else np.full(self.num_lanes, np.nan)
        return bootstrap_interval(per_hundred, groups=self.windows[:, 0], seed=self.seed)

    def share(self, fault: str, step: int) -> float:
        """Return the share of dreams that are ``"frozen"`` or ``"dissolved"`` at a step; see ``DataRange``."""
        return float(getattr(self.data, fault)(self.at(step)).mean())

    def verdict(self, step: int) -> str:
        """Return ``"healthy"``, or what befalls more dreams at a step than recorded film lets expect.

        ``"dissolved"`` outranks ``"frozen"``; see ``DataRange``.
        """
        found = [fault for fault in FAULTS if self.data.exceeds_chance(fault, self.at(step))]
        return found[0] if found else "healthy"

    @property
    def collapse(self) -> int | None:
        """The first reported step at which the verdict is not ``"healthy"``; None if there is none."""
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
                fault: {"data": float(self.data.own(fault).mean())} | {str(s): self.share(fault, s) for s in self.steps}
                for fault in FAULTS
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
    """Dream on and on under recorded actions, and compare statistics of the frames with those of recorded film.

    A dream starts from a recorded moment and follows the actions recorded from there on, then those of further episodes
    in random order. Ends of episodes that the world imagines are passed over. Dream i has seed ``seed + i``.

    Args:
        world: The world to measure.
        dataset: Held-out episodes: starts, actions, and what film ordinarily looks like.
        reference: Episodes whose frames a dream should be near to, such as those for training; None takes `dataset`.
            No frame is compared with its own episode.
        steps: The steps to report, at least ``WINDOW`` each; dreams are as long as the last.
        num_lanes: Dreams; fewer if there are fewer moments to start from.
        num_sampling_steps: Network evaluations per frame; None leaves it to the world.
        seed: Decides starts, actions, dreams and intervals.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: The dataset does not fit the world or is too small, or a step comes too early.
    """
    check_action_space(world, dataset)
    wanted = tuple(sorted(set(steps)))
    if not wanted or wanted[0] < WINDOW:
        raise ValueError(f"`steps` must hold step counts from {WINDOW} on, got {list(steps)}.")
    film = Film(world, dataset, dataset if reference is None else reference, seed=seed)
    starts = film.starts(num_lanes)
    statistics, frames = _dream(world, film, starts, wanted, num_sampling_steps, seed, progress)
    return Drift(
        statistics={name: values.numpy() / film.scales.get(name, 1.0) for name, values in statistics.items()},
        data=film.data_range,
        steps=wanted,
        frames=frames.numpy(),
        windows=torch.stack([starts.episodes, starts.steps], dim=1).numpy(),
        num_sampling_steps=num_sampling_steps,
        seed=seed,
    )


def drift_steps_up_to(longest: int) -> tuple[int, ...]:
    """Return the usual steps to report below `longest`, and `longest` itself.

    Raises:
        ValueError: `longest` is less than ``WINDOW``.
    """
    if longest < WINDOW:
        raise ValueError(f"`drift_steps` must be at least {WINDOW}, got {longest}.")
    return (*(step for step in DRIFT_STEPS if step < longest), longest)


def _dream(
    world: World,
    film: Film,
    starts: Clips,
    steps: tuple[int, ...],
    num_sampling_steps: int | None,
    seed: int,
    progress: bool,
) -> tuple[dict[str, Tensor], Tensor]:
    """Return the statistics of every frame ``[b, h]``, and the frames given and at `steps` ``[b, 1 + n, h, w, c]``."""
    past, length = world.context_length, steps[-1]
    actions = film.behaviour(starts, length)
    context = starts.frames[:, :past].float().div(127.5).sub(1.0)
    before = unflatten_action(world.action_space, starts.actions[:, : past - 1])
    state = world.start(context.to(world.device), before, seed=list(range(seed, seed + len(starts))))
    last = starts.frames[:, past - 1 : past].movedim(-3, -1)
    kept, parts = [last], []
    progress_bar = require("tqdm", extra="report").tqdm
    for first in progress_bar(range(0, length, _CHUNK), "dream on", disable=not progress):
        ahead = unflatten_action(world.action_space, actions[:, first : first + _CHUNK])
        rollout = world.rollout(state, ahead, num_sampling_steps=num_sampling_steps)
        state, pixels = rollout.state, frames_to_pixels(rollout.frames).cpu()
        distance = film.nearest.distances(pixels, starts.episodes)
        parts.append(frame_statistics(torch.cat([last, pixels], dim=1)) | {"distance": distance})
        kept += [pixels[:, step - first - 1, None] for step in steps if first < step <= first + pixels.shape[1]]
        last = pixels[:, -1:]
    return {name: torch.cat([part[name] for part in parts], dim=1) for name in parts[0]}, torch.cat(kept, dim=1)
