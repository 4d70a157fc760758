"""Recorded clips that give long dreams their starts and actions, and that they are compared with."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch
from torch import Tensor

from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.data.windows import draw_evenly, usable_steps
from vdworld.evaluation.data_range import DataRange
from vdworld.evaluation.frame_statistics import NearestFrames, frame_statistics
from vdworld.evaluation.world_protocol import World
from vdworld.training.calibration import longest_episode

WINDOW = 16
"""Steps over which statistics of dreams and of recordings are averaged."""

_MAX_FRAMES, _MAX_WINDOWS, _MAX_NEIGHBOURS = 20_000, 512, 2_000  # larger datasets are sampled
_BATCH_SIZE = 32
_SLACK = {"brightness": 1.0, "contrast": 1.0, "sharpness": 0.05, "motion": 1.0, "saturation": 0.05}  # hardly visible


class ReferenceClips:
    """Held-out episodes, their statistics, and the recorded frames to which distances are measured.

    Args:
        world: Its context length, cameras and image size are those of the clips.
        dataset: Held-out episodes; a large dataset is sampled.
        reference: Episodes to whose frames distances are measured.
        seed: Seeds all sampling.

    Attributes:
        nearest: The recorded frames to which distances are measured.
        data_range: The statistics of recorded windows.
        scales: Divisors of the statistics ``sharpness`` and ``distance``, which are relative to recorded frames.

    Raises:
        ValueError: No episode is long enough, or the reference holds no frame of another episode.
    """

    def __init__(self, world: World, dataset: Dataset, reference: Dataset, *, seed: int) -> None:
        self._rng, self._past = np.random.default_rng(seed), world.context_length - 1
        self._episodes = some_episodes(dataset, _MAX_FRAMES, self._rng)
        longest = longest_episode(self._episodes)
        if longest < self._past + WINDOW:
            raise ValueError(
                f"`dataset` must hold an episode of at least {self._past + WINDOW} steps, the longest has {longest}. "
                "Record longer episodes."
            )
        view = {"image_size": world.image_size, "cameras": world.cameras}
        self._clips = ClipSampler(self._episodes, context_length=world.context_length, horizon=WINDOW, **view)
        neighbours = ClipSampler(some_episodes(reference, _MAX_FRAMES, self._rng), context_length=1, horizon=1, **view)
        self.nearest = NearestFrames(*self._draw_neighbours(neighbours))
        self.scales, self.data_range = self._measure()

    def starts(self, num_starts: int) -> Clips:
        """Draw clips evenly over episodes; the first K frames of each are its context."""
        ranges = usable_steps(self._episodes, past=self._past, future=WINDOW)
        return self._load(list(islice(draw_evenly(ranges, self._rng), num_starts)))

    def actions(self, starts: Clips, length: int) -> np.ndarray:
        """Return flat actions for long dreams ``[b, length, n]``.

        They are the actions recorded from each start to the end of its episode, then those of randomly drawn episodes,
        with repetition.
        """
        recorded = {e.index: self._episodes.transitions(i).actions for i, e in enumerate(self._episodes.entries)}
        lanes = []
        for episode, step in zip(starts.episodes.tolist(), starts.steps.tolist(), strict=True):
            parts = [recorded[episode][step:]]
            while sum(map(len, parts)) < length:
                parts.append(recorded[int(self._rng.choice(list(recorded)))])
            lanes.append(np.concatenate(parts)[:length])
        return np.stack(lanes)

    def _load(self, windows: list[tuple[int, int]]) -> Clips:
        return self._clips.at(*torch.tensor(windows).T.contiguous())

    def _measure(self) -> tuple[dict[str, float], DataRange]:
        """Return the scales and the range of windows that do not overlap, drawn evenly over episodes."""
        ranges = usable_steps(self._episodes, past=0, future=WINDOW)
        apart = {episode: range(0, steps.stop, WINDOW) for episode, steps in ranges.items()}
        windows = list(islice(draw_evenly(apart, self._rng), _MAX_WINDOWS))
        if len(windows) < 2:
            raise ValueError(f"`dataset` must hold two windows of {WINDOW} steps, got one. Record longer episodes.")
        batches = [windows[i : i + _BATCH_SIZE] for i in range(0, len(windows), _BATCH_SIZE)]
        measured = [self._statistics(self._load(batch)) for batch in batches]
        statistics = {name: torch.cat([part[name] for part in measured]).numpy() for name in measured[0]}
        if not np.isfinite(statistics["distance"]).all():
            raise ValueError(
                "`reference` must hold an episode that `dataset` does not, got none. Record more episodes."
            )
        visible = max(0.1 * self.nearest.scale(), 1.0)  # in grey levels: a tenth of the way to an unrelated frame
        scales = {
            "sharpness": max(float(statistics["sharpness"].mean()), 1.0),
            "distance": max(float(np.median(statistics["distance"])), visible),
        }
        scaled = {name: values / scales.get(name, 1.0) for name, values in statistics.items()}
        slack = {**_SLACK, "distance": visible / scales["distance"]}
        return scales, DataRange(scaled, np.array(windows)[:, 0], slack, one_sided=("motion", "distance"))

    def _statistics(self, clips: Clips) -> dict[str, Tensor]:
        """Return the statistics of the last ``WINDOW`` frames of every clip ``[b, w]``."""
        pixels = clips.frames[:, -WINDOW - 1 :].movedim(-3, -1)
        distances = self.nearest.distances(pixels[:, 1:], clips.episodes)
        return frame_statistics(pixels) | {"distance": distances}

    def _draw_neighbours(self, sampler: ClipSampler) -> tuple[Tensor, Tensor]:
        """Draw frames uniformly; return their pixels ``[n, h, w, c]`` and episodes ``[n]``."""
        episodes, steps = sampler.windows()
        indices = torch.from_numpy(self._rng.permutation(len(episodes))[:_MAX_NEIGHBOURS])
        clips = sampler.at(episodes[indices], steps[indices])
        return clips.frames[:, 0].movedim(-3, -1), clips.episodes


def some_episodes(dataset: Dataset, num_frames: int, rng: np.random.Generator) -> Dataset:
    """Return randomly drawn episodes with about `num_frames` frames in total, or all episodes if they hold fewer.

    At least two episodes are kept, however long they are.
    """
    total, entries = 0, []
    for position in rng.permutation(len(dataset.entries)):
        if total >= num_frames and len(entries) >= 2:
            break
        entries.append(dataset.entries[position])
        total += entries[-1].length
    return Dataset(dataset.layout, sorted(entries, key=lambda entry: entry.index))
