"""Recorded film for long dreams to start from, to act by and to be compared with."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch
from torch import Tensor

from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.evaluation.data_range import DataRange
from vdworld.evaluation.frame_statistics import NearestFrames, frame_statistics
from vdworld.evaluation.windows import spread, usable_moments
from vdworld.evaluation.world_protocol import World
from vdworld.training.calibration import longest_episode

WINDOW = 16
"""Steps over which statistics are averaged, of dreams and of recorded film alike."""

_MOST_FRAMES, _MOST_WINDOWS, _MOST_NEIGHBOURS = 20_000, 512, 2_000  # of a dataset that are looked at
_BATCH = 32  # windows at a time
_SLACK = {"brightness": 1.0, "contrast": 1.0, "sharpness": 0.05, "motion": 1.0, "saturation": 0.05}  # hardly visible


class Film:
    """Held-out episodes as film, beside the frames that they and the dreams are compared with.

    Args:
        world: Says what frames look like and how long contexts are.
        dataset: The episodes; of a large dataset some are drawn.
        reference: Episodes whose frames count as neighbours.
        seed: Of the draws.

    Attributes:
        nearest: The neighbours.
        data_range: What windows of the film look like.
        scales: What statistics are divided by: ``sharpness`` and ``distance`` are relative to the film's own.

    Raises:
        ValueError: No episode is long enough, or all neighbours are from the one episode that there is.
    """

    def __init__(self, world: World, dataset: Dataset, reference: Dataset, *, seed: int) -> None:
        self._rng, self._past = np.random.default_rng(seed), world.context_length - 1
        self._episodes = some_episodes(dataset, _MOST_FRAMES, self._rng)
        longest = longest_episode(self._episodes)
        if longest < self._past + WINDOW:
            raise ValueError(
                f"`dataset` must hold an episode of at least {self._past + WINDOW} steps, the longest has {longest}. "
                "Record longer episodes."
            )
        look = {"image_size": world.image_size, "cameras": world.cameras}
        self._clips = ClipSampler(self._episodes, context_length=world.context_length, horizon=WINDOW, **look)
        others = ClipSampler(some_episodes(reference, _MOST_FRAMES, self._rng), context_length=1, horizon=1, **look)
        pixels, owners = self._draw_neighbours(others)
        self.nearest = NearestFrames(pixels, owners)
        self.scales, self.data_range = self._measure()

    def starts(self, num_starts: int) -> Clips:
        """Draw moments with full contexts, evenly over episodes; the first K frames of each clip are its context."""
        spans = usable_moments(self._episodes, past=self._past, future=WINDOW)
        return self._at(list(islice(spread(spans, self._rng), num_starts)))

    def behaviour(self, starts: Clips, length: int) -> np.ndarray:
        """Return flat actions for long dreams ``[b, length, n]``.

        They are the recorded ones from each start on, then those of whole episodes, drawn at random with repetition.
        """
        recorded = {e.index: self._episodes.transitions(i).actions for i, e in enumerate(self._episodes.entries)}
        lanes = []
        for episode, moment in zip(starts.episodes.tolist(), starts.steps.tolist(), strict=True):
            parts = [recorded[episode][moment:]]
            while sum(map(len, parts)) < length:
                parts.append(recorded[int(self._rng.choice(list(recorded)))])
            lanes.append(np.concatenate(parts)[:length])
        return np.stack(lanes)

    def _at(self, moments: list[tuple[int, int]]) -> Clips:
        return self._clips.at(*torch.tensor(moments).T.contiguous())

    def _measure(self) -> tuple[dict[str, float], DataRange]:
        """Measure windows that do not overlap, evenly over episodes."""
        spans = usable_moments(self._episodes, past=0, future=WINDOW)
        apart = {episode: range(0, span.stop, WINDOW) for episode, span in spans.items()}
        moments = list(islice(spread(apart, self._rng), _MOST_WINDOWS))
        if len(moments) < 2:
            raise ValueError(f"`dataset` must hold two stretches of {WINDOW} steps, got one. Record longer episodes.")
        parts = [self._statistics(self._at(moments[i : i + _BATCH])) for i in range(0, len(moments), _BATCH)]
        windows = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
        if not np.isfinite(windows["distance"]).all():
            raise ValueError("`reference` must hold frames of other episodes than `dataset`'s only one. Record more.")
        visible = max(0.1 * self.nearest.scale(), 1.0)  # in grey levels: a tenth of the way to an unrelated frame
        scales = {
            "sharpness": max(float(windows["sharpness"].mean()), 1.0),
            "distance": max(float(np.median(windows["distance"])), visible),
        }
        scaled = {name: values / scales.get(name, 1.0) for name, values in windows.items()}
        slack = {**_SLACK, "distance": visible / scales["distance"]}
        return scales, DataRange(scaled, np.array(moments)[:, 0], slack, one_sided=("motion", "distance"))

    def _statistics(self, clips: Clips) -> dict[str, Tensor]:
        """Return the statistics of every clip's targets ``[b, w]``."""
        pixels = clips.frames[:, -WINDOW - 1 :].movedim(-3, -1)
        distances = self.nearest.distances(pixels[:, 1:], clips.episodes)
        return frame_statistics(pixels) | {"distance": distances}

    def _draw_neighbours(self, sampler: ClipSampler) -> tuple[Tensor, Tensor]:
        """Draw frames, each with the same probability; return their pixels ``[n, h, w, c]`` and episodes ``[n]``."""
        episodes, moments = sampler.windows()
        chosen = torch.from_numpy(self._rng.permutation(len(episodes))[:_MOST_NEIGHBOURS])
        clips = sampler.at(episodes[chosen], moments[chosen])
        return clips.frames[:, 0].movedim(-3, -1), clips.episodes


def some_episodes(dataset: Dataset, num_frames: int, rng: np.random.Generator) -> Dataset:
    """Return the dataset, or if it holds more than `num_frames` frames episodes drawn from it that hold about as many.

    At least two episodes are kept, however long they are.
    """
    total, entries = 0, []
    for position in rng.permutation(len(dataset.entries)):
        if total >= num_frames and len(entries) >= 2:
            break
        entries.append(dataset.entries[position])
        total += entries[-1].length
    return Dataset(dataset.layout, sorted(entries, key=lambda entry: entry.index))
